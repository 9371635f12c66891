#include "services/codemode-sandbox/runner/jail/proof.h"

#include "services/codemode-sandbox/runner/jail/seccomp.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

constexpr int kProofMs = 5'000;
constexpr int kSocket = 3;
constexpr int kHolds = 0;
constexpr int kFallen = 1;  // it was told which
constexpr std::uint64_t kAddressSpaceBytes = std::uint64_t{64} << 30;
constexpr std::uint32_t kCpuSeconds = 5;

Error refused(const std::string& why) {
  return Error(Code::Unavailable, "scripts cannot be run here: a wall of their jail does not hold")
      .with_detail(why);
}

// In the tried process: tells and ends.
[[noreturn]] void tell(int pipe, std::string_view what) {
  [[maybe_unused]] const ssize_t told = ::write(pipe, what.data(), what.size());
  ::_exit(kFallen);
}

// What the walls before the filter promise. Empty: all of it holds.
std::string_view fallen_outer() {
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
    return "no_new_privs is not set although the kernel said so";
  }
  if (::prctl(PR_GET_DUMPABLE) != 0) {
    return "the process is dumpable although the kernel said otherwise";
  }
  if (::dup(STDIN_FILENO) >= 0 || errno != EMFILE) {
    return "RLIMIT_NOFILE does not hold: a descriptor can be made";
  }
  return {};
}

// The process the walls are raised around. Ends by the filter's SIGSYS when all hold.
[[noreturn]] void be_jailed(int pipe, pid_t parent, const SeccompProgram& filter) {
  const auto step = [pipe](const Result<void>& raised) {
    if (!raised.ok()) {
      tell(pipe, raised.error().to_log());
    }
  };
  step(bind_to(parent));
  step(give_up_privileges());
  step(deny_files());
  if (::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0 || errno != EACCES) {
    tell(pipe, "Landlock does not hold: / can be opened");
  }
  step(deny_resources());
  if (const std::string_view fallen = fallen_outer(); !fallen.empty()) {
    tell(pipe, fallen);
  }
  step(close_inner({.address_space_bytes = kAddressSpaceBytes, .cpu_s = kCpuSeconds}, filter));
  if (::open("/", O_RDONLY | O_CLOEXEC) >= 0 || errno != ENOENT) {
    ::_exit(kHolds);  // the filter does not answer: told by how it ends
  }
  [[maybe_unused]] const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ::_exit(kHolds);
}

std::string read_all(int pipe) {
  std::array<char, 512> bytes{};
  pollfd one{.fd = pipe, .events = POLLIN, .revents = 0};
  if (::poll(&one, 1, kProofMs) <= 0) {
    return "it did not answer in time";
  }
  const ssize_t got = ::read(pipe, bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(got < 0 ? 0 : got)};
}

}  // namespace

Result<void> prove(ExecutableMemory executable) {
  auto filter = SeccompProgram::make(kSocket, executable);
  if (!filter.ok()) {
    return refused(filter.error().to_log());
  }
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return refused(std::string("pipe2: ") + std::generic_category().message(errno));
  }
  const pid_t parent = ::getpid();
  const pid_t tried = ::fork();
  if (tried == 0) {
    be_jailed(pipe[1], parent, filter.value());
  }
  ::close(pipe[1]);
  const std::string told = tried < 0 ? std::string("fork failed") : read_all(pipe[0]);
  ::close(pipe[0]);
  int status = 0;
  if (tried > 0) {
    ::kill(tried, SIGKILL);  // nothing to one that has ended
    ::waitpid(tried, &status, 0);
  }
  if (!told.empty()) {
    return refused(told);
  }
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
    return refused("the system-call filter does not hold: a socket could be made");
  }
  return {};
}

}  // namespace sluice::codemode_runner::jail
