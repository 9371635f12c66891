#include "services/codemode-sandbox/runner/supervisor/hosted_child.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/scheduling.h"
#include "services/codemode-sandbox/runner/supervisor/zygote_process.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace sluice::codemode_runner {
namespace {

// One share, so that a child that writes without end does not hold up the others.
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

}  // namespace

bool HostedChild::send(const wire::ToChild& message) {
  std::string frame;
  if (!append_frame(frame, message).ok() || queue_bytes_ + frame.size() > kChildQueueBytesMax) {
    return false;
  }
  queue_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  flush();
  return true;
}

void HostedChild::flush() {
  while (!queue_.empty()) {
    const std::string_view rest = std::string_view(queue_.front()).substr(written_);
    const ssize_t count =
        ::send(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (count < 0) {  // it is gone; read() tells
      queue_.clear();
      queue_bytes_ = 0;
      written_ = 0;
      return;
    }
    written_ += static_cast<std::size_t>(count);
    if (written_ == queue_.front().size()) {
      queue_bytes_ -= written_;
      written_ = 0;
      queue_.pop_front();
    }
  }
}

HostedChild::Read HostedChild::read() {
  std::array<char, kReadBytes> buffer;
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) {
    decoder_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    return Read::Some;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? Read::Nothing : Read::Closed;
}

void HostedChild::kill() const {
  kill_by(pidfd_);
}

std::optional<std::chrono::microseconds> HostedChild::computed() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec)
  );
}

void HostedChild::give_way() const {
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, 0) != 0) {
    return;  // its number may be another's
  }
  schedule(pid_, kOfBusy);
}

}  // namespace sluice::codemode_runner
