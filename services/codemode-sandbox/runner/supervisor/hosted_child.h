// HostedChild: the supervisor's end of one child: frames in, frames out, SIGKILL. Never waits.
#pragma once

#include "services/codemode-sandbox/runner/child/frames.h"
#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include "common/base/result.h"

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include <sys/types.h>

namespace sluice::codemode_runner {

class HostedChild {
 public:
  explicit HostedChild(FileDescriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int socket() const { return socket_.get(); }

  void started(pid_t pid, FileDescriptor pidfd) {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
  }

  // False: over the bound of what may wait for it; the message is dropped.
  [[nodiscard]] bool send(const wire::ToChild& message);
  // Writes what waits, as far as the child reads.
  void flush();

  [[nodiscard]] bool wants_to_write() const { return !queue_.empty(); }

  enum class Read { Some, Nothing, Closed };
  // A share of what is there. Nothing: more may come. Closed: that was all there will ever be.
  [[nodiscard]] Read read();

  // The next whole message of what was read. Errors: Invalid (no message; kill it).
  [[nodiscard]] Result<std::optional<wire::FromChild>> next() { return decoder_.next(); }

  void kill() const;

  // Computing time since its fork. Nothing: it is gone.
  [[nodiscard]] std::optional<std::chrono::microseconds> computed() const;
  // From now on others go first. Without effect when it is gone.
  void give_way() const;

 private:
  FileDescriptor socket_;
  pid_t pid_ = 0;
  FileDescriptor pidfd_;
  FrameDecoder<wire::FromChild> decoder_;
  std::deque<std::string> queue_;
  std::size_t queue_bytes_ = 0;
  std::size_t written_ = 0;  // of the first one in the queue
};

}  // namespace sluice::codemode_runner
