// ZygoteProcess: this program, started again as a zygote, with a control socket. Dies with the
// supervisor.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/ports.h"
#include "services/codemode-sandbox/runner/supervisor/scheduling.h"
#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include "common/base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::codemode_runner {

// The descriptor at which a zygote finds its control socket.
inline constexpr int kControlDescriptor = 3;

struct ZygoteMessage {
  wire::FromZygote message;
  FileDescriptor pidfd;  // of the child, with Spawned
};

class ZygoteProcess {
 public:
  // arguments: of this program, without its name; scheduling: the zygote's and its children's.
  // Errors: Exhausted (no process or descriptor left).
  [[nodiscard]] static Result<std::unique_ptr<ZygoteProcess>> start(
      const std::vector<std::string>& arguments, const Scheduling& scheduling
  );

  ZygoteProcess(pid_t pid, FileDescriptor pidfd, FileDescriptor control);  // use start()
  ZygoteProcess(const ZygoteProcess&) = delete;
  ZygoteProcess& operator=(const ZygoteProcess&) = delete;
  ZygoteProcess(ZygoteProcess&&) = delete;
  ZygoteProcess& operator=(ZygoteProcess&&) = delete;
  ~ZygoteProcess();  // SIGKILL; whoever waits for children reaps it

  [[nodiscard]] int control() const { return control_.get(); }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // socket: the child's end, stays the caller's. Errors: Exhausted, Unavailable (it is gone).
  [[nodiscard]] Result<void> order_child(ChildId child, int socket);
  // Errors: Exhausted (nothing was sent), Unavailable (it is gone).
  [[nodiscard]] Result<void> prepare(const std::string& digest, const std::string& declarations);
  // Nothing: none is there. Errors: Unavailable (it is gone), Invalid.
  [[nodiscard]] Result<std::optional<ZygoteMessage>> receive();

 private:
  pid_t pid_;
  FileDescriptor pidfd_;
  FileDescriptor control_;
};

// Takes the end of every process below this one that has ended: zygotes, and what they left behind.
void reap_all();

void kill_by(const FileDescriptor& pidfd);

}  // namespace sluice::codemode_runner
