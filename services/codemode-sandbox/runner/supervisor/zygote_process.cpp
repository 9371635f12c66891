#include "services/codemode-sandbox/runner/supervisor/zygote_process.h"

#include "services/codemode-sandbox/runner/zygote/control_socket.h"

#include "common/config/config.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

constexpr int kNotStarted = 127;
constexpr const char* kThisProgram = "/proc/self/exe";

// What a zygote is told of this process's environment: where libraries are and how sanitizers
// report. Nothing else is a script's business.
constexpr std::array<std::string_view, 6> kInherited{
    "LD_LIBRARY_PATH",
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "UBSAN_OPTIONS",
    "TSAN_OPTIONS",
    "LLVM_PROFILE_FILE",
};

// Made before fork: after it only system calls are safe, for ZeroMQ has threads.
struct Image {
  std::vector<std::string> words;
  std::vector<std::string> variables;
  std::vector<char*> argv;
  std::vector<char*> envp;
  Scheduling scheduling;
  pid_t parent = ::getpid();
};

void point_at(std::vector<std::string>& texts, std::vector<char*>& pointers) {
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
}

Image image_of(const std::vector<std::string>& arguments) {
  Image image;
  image.words.emplace_back("codemode-runner");
  image.words.insert(image.words.end(), arguments.begin(), arguments.end());
  for (const auto& [name, value] : config::process_environment()) {
    if (std::find(kInherited.begin(), kInherited.end(), name) != kInherited.end()) {
      image.variables.emplace_back(name).append("=").append(value);
    }
  }
  point_at(image.words, image.argv);
  point_at(image.variables, image.envp);
  return image;
}

// Runs in the new process: only system calls.
[[noreturn]] void become(const Image& image, int control) {
  // What a terminal sends is for the supervisor. The session stays: where the kernel shares out the
  // machine by sessions (sched_autogroup), children and supervisor are to be in one share.
  ::setpgid(0, 0);
  schedule(0, image.scheduling);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != image.parent) {
    ::_exit(kNotStarted);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // NOLINT(concurrency-mt-unsafe): this process has one thread
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) {
    ::_exit(kNotStarted);
  }
  // Made by dup2, it stays open over exec; unless it is there already, with close-on-exec.
  if (control == kControlDescriptor ? ::fcntl(control, F_SETFD, 0) < 0
                                    : ::dup2(control, kControlDescriptor) < 0) {
    ::_exit(kNotStarted);
  }
  if (::syscall(SYS_close_range, kControlDescriptor + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    ::_exit(kNotStarted);
  }
  ::execve(kThisProgram, image.argv.data(), image.envp.data());
  ::_exit(kNotStarted);
}

}  // namespace

Result<std::unique_ptr<ZygoteProcess>> ZygoteProcess::start(
    const std::vector<std::string>& arguments, const Scheduling& scheduling
) {
  SLUICE_TRY(SocketPair control, make_socket_pair(SOCK_SEQPACKET));
  Image image = image_of(arguments);
  image.scheduling = scheduling;
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(image, control.theirs.get());
  }
  FileDescriptor pidfd(pid < 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.open()) {
    if (pid > 0) {
      ::kill(pid, SIGKILL);
    }
    return Error(Code::Exhausted, "no zygote can be started; raise the limits of processes");
  }
  return std::make_unique<ZygoteProcess>(pid, std::move(pidfd), std::move(control.ours));
}

ZygoteProcess::ZygoteProcess(pid_t pid, FileDescriptor pidfd, FileDescriptor control)
    : pid_(pid), pidfd_(std::move(pidfd)), control_(std::move(control)) {}

ZygoteProcess::~ZygoteProcess() {
  kill_by(pidfd_);
}

Result<void> ZygoteProcess::order_child(ChildId child, int socket) {
  wire::ToZygote order;
  order.mutable_spawn()->set_child_id(child);
  return send_datagram(control_.get(), order, socket);
}

Result<void> ZygoteProcess::prepare(const std::string& digest, const std::string& declarations) {
  SLUICE_TRY(const FileDescriptor file, sealed_text(declarations));
  wire::ToZygote order;
  order.mutable_prepare()->set_declarations_digest(digest);
  return send_datagram(control_.get(), order, file.get());
}

Result<std::optional<ZygoteMessage>> ZygoteProcess::receive() {
  SLUICE_TRY(std::optional<Datagram> datagram, receive_datagram(control_.get()));
  if (!datagram) {
    return std::optional<ZygoteMessage>();
  }
  std::optional<ZygoteMessage> answer(std::in_place);
  if (!answer->message.ParseFromString(datagram->bytes)) {
    return Error(Code::Invalid, "no message a supervisor knows");
  }
  answer->pidfd = std::move(datagram->descriptor);
  return answer;
}

void reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

void kill_by(const FileDescriptor& pidfd) {
  if (pidfd.open()) {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  }
}

}  // namespace sluice::codemode_runner
