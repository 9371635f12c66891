#include "services/codemode-sandbox/runner/zygote/zygote.h"

#include "services/codemode-sandbox/runner/zygote/control_socket.h"
#include "services/codemode-sandbox/runner_messages.pb.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

namespace wire = ::sluice::codemode::runner;

constexpr int kExitStopped = 0;
constexpr int kExitFailed = 1;
constexpr int kExitBeforeStart = 75;  // of a child that could not even be set up
constexpr int kChildSocket = 3;       // the one descriptor of a child besides standard streams
// A wait status no process ends with: the child could not be forked.
constexpr int kNotForked = -1;
// The supervisor reads its control sockets in each turn; longer means it hangs.
constexpr int kSupervisorReadsMs = 5'000;

std::uint32_t microseconds(const timeval& time) {
  constexpr std::int64_t kPerSecond = 1'000'000;
  return static_cast<std::uint32_t>(time.tv_sec * kPerSecond + time.tv_usec);
}

class Zygote {
 public:
  Zygote(int control, Warm& warm, observability::Log& log)
      : control_(control),
        warm_(warm),
        log_(log),
        nothing_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {}

  int serve(const ZygoteTold& told) {
    hello_.mutable_warm()->set_v8_version(warm_.v8_version());
    hello_.mutable_warm()->set_warm_ms(told.warm_ms);
    if (!nothing_.open() || !tell(hello_)) {
      return kExitFailed;
    }
    for (;;) {
      const bool idle = wait() == 0;
      reap();
      const auto more = take_orders();
      if (!more.ok()) {
        return more.error().code() == Code::Unavailable ? kExitStopped : kExitFailed;
      }
      if (idle) {
        get_warmer();
      }
    }
  }

 private:
  struct Child {
    std::uint64_t id = 0;
    pid_t pid = 0;
    FileDescriptor pidfd;
    bool ended = false;
  };

  void get_warmer() {
    getting_warmer_ = warm_.warm_more();
    if (getting_warmer_) {
      got_warmer_ = true;
    } else if (got_warmer_) {
      static_cast<void>(tell(hello_));
    }
  }

  // Returns how many descriptors have something; none only while it could get warmer.
  int wait() {
    polled_.clear();
    polled_.push_back({control_, POLLIN, 0});
    for (const Child& child : children_) {
      polled_.push_back({child.pidfd.get(), POLLIN, 0});
    }
    // Ends with the supervisor: its end closes.
    return ::poll(polled_.data(), polled_.size(), getting_warmer_ ? 0 : -1);
  }

  // polled_ is about children_ as it was before any fork of this turn.
  void reap() {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      if (polled_[i + 1].revents != 0) {
        children_[i].ended = reaped(children_[i]);
      }
    }
    std::erase_if(children_, [](const Child& child) { return child.ended; });
  }

  bool reaped(const Child& child) {
    int status = 0;
    rusage usage{};
    if (::wait4(child.pid, &status, WNOHANG, &usage) != child.pid) {
      return false;
    }
    wire::FromZygote message;
    wire::FromZygote::Exited& exited = *message.mutable_exited();
    exited.set_child_id(child.id);
    exited.set_wait_status(status);
    exited.set_user_us(microseconds(usage.ru_utime));
    exited.set_system_us(microseconds(usage.ru_stime));
    exited.set_memory_peak_kib(static_cast<std::uint32_t>(usage.ru_maxrss));
    static_cast<void>(tell(message));
    return true;
  }

  // Errors: Unavailable (the supervisor is gone), Invalid.
  Result<void> take_orders() {
    for (;;) {
      SLUICE_TRY(std::optional<Datagram> datagram, receive_datagram(control_));
      if (!datagram) {
        return {};
      }
      wire::ToZygote order;
      if (!order.ParseFromString(datagram->bytes) || !datagram->descriptor.open() ||
          order.message_case() == wire::ToZygote::MESSAGE_NOT_SET) {
        log_.error("zygote-order-invalid", {{"bytes", datagram->bytes.size()}});
        return Error(Code::Invalid, "no order a zygote knows");
      }
      if (order.has_spawn()) {
        spawn(order.spawn().child_id(), std::move(datagram->descriptor));
      } else {
        prepare(order.prepare().declarations_digest(), datagram->descriptor);
      }
    }
  }

  void prepare(const std::string& digest, const FileDescriptor& file) {
    const auto text = read_text(file.get(), kPreparedBytesMax);
    if (text.ok()) {
      warm_.prepare(digest, text.value());
    } else {
      log_.error("declarations-not-read", {{"error", text.error().to_log()}});
    }
  }

  void spawn(std::uint64_t id, FileDescriptor socket) {
    const pid_t parent = ::getpid();
    const pid_t pid = children_.size() < kChildrenMax ? ::fork() : -1;
    if (pid == 0) {
      become_child(socket.get(), parent);
    }
    Child child;
    child.id = id;
    child.pid = pid;
    if (pid > 0) {
      child.pidfd = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    }
    if (!child.pidfd.open()) {
      log_.warn("fork-failed", {{"errno", errno}, {"children", children_.size()}});
      give_up(child);
      return;
    }
    wire::FromZygote message;
    message.mutable_spawned()->set_child_id(id);
    message.mutable_spawned()->set_pid(pid);
    static_cast<void>(tell(message, child.pidfd.get()));
    children_.push_back(std::move(child));
  }

  void give_up(const Child& child) {
    if (child.pid > 0) {
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, nullptr, 0);
    }
    wire::FromZygote message;
    message.mutable_exited()->set_child_id(child.id);
    message.mutable_exited()->set_wait_status(kNotForked);
    static_cast<void>(tell(message));
  }

  [[noreturn]] void become_child(int socket, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(kExitBeforeStart);
    }
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard) {
      if (::dup2(nothing_.get(), standard) < 0) {
        ::_exit(kExitBeforeStart);
      }
    }
    if (::dup2(socket, kChildSocket) < 0 ||
        ::syscall(SYS_close_range, kChildSocket + 1, ~0U, 0) != 0) {
      ::_exit(kExitBeforeStart);
    }
    warm_.run_child(kChildSocket);
  }

  bool tell(const wire::FromZygote& message, int descriptor = -1) {
    for (;;) {
      const auto sent = send_datagram(control_, message, descriptor);
      if (sent.ok() || sent.error().code() == Code::Unavailable) {
        return sent.ok();
      }
      pollfd writable{control_, POLLOUT, 0};
      if (::poll(&writable, 1, kSupervisorReadsMs) <= 0) {
        return false;
      }
    }
  }

  int control_;
  Warm& warm_;
  observability::Log& log_;
  FileDescriptor nothing_;
  wire::FromZygote hello_;
  bool getting_warmer_ = true;
  bool got_warmer_ = false;
  std::vector<Child> children_;
  std::vector<pollfd> polled_;
};

}  // namespace

int zygote_main(int control_fd, Warm& warm, const ZygoteTold& told, observability::Log& log) {
  return Zygote(control_fd, warm, log).serve(told);
}

}  // namespace sluice::codemode_runner
