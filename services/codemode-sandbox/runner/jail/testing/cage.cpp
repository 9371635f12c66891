#include "services/codemode-sandbox/runner/jail/testing/cage.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {
namespace {

constexpr int kChannel = 3;
constexpr int kLongestMs = 1'000;
constexpr std::uint64_t kAddressSpaceBytes = std::uint64_t{1} << 30;
constexpr std::uint32_t kCpuSeconds = 2;

// What the attempt tells, in memory that outlives it.
struct Told {
  volatile bool closed;
  volatile bool returned;
  volatile long value;
  volatile int number;
};

Told& told() {
  static Told* const kShared = static_cast<Told*>(
      ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
  );
  return *kShared;
}

int& received() {
  static int count = 0;
  return count;
}

// Takes what the attempt left in the channel.
void drain(int channel) {
  std::array<char, 256> bytes{};
  alignas(cmsghdr) std::array<char, 256> space{};
  for (;;) {
    iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    if (::recvmsg(channel, &message, MSG_DONTWAIT) <= 0) {
      return;
    }
    received() += CMSG_FIRSTHDR(&message) != nullptr ? 1 : 0;
  }
}

}  // namespace

Cage::Cage(ExecutableMemory executable, Missing missing, uid_t uid)
    : missing_(missing), uid_(uid), filter_(SeccompProgram::make(kChannel, executable)) {}

int Cage::descriptors_received() {
  return std::exchange(received(), 0);
}

bool Cage::close_around(pid_t parent) const {
  const bool files = missing_ != Missing::Landlock && missing_ != Missing::Both;
  const bool calls = missing_ != Missing::Filter && missing_ != Missing::Both;
  if (files && calls) {  // as a child does it
    return close_outer(parent).ok() &&
           close_inner(
               {.address_space_bytes = kAddressSpaceBytes, .cpu_s = kCpuSeconds}, filter_.value()
           )
               .ok();
  }
  return bind_to(parent).ok() && give_up_privileges().ok() && (!files || deny_files().ok()) &&
         deny_resources().ok() && (!calls || filter_.value().load().ok());
}

void Cage::be(const std::function<long()>& code, int channel, pid_t parent) const {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard) {
    ::dup2(nothing, standard);
  }
  if (::dup2(channel, kChannel) < 0 || ::syscall(SYS_close_range, kChannel + 1, ~0U, 0) != 0 ||
      (uid_ != 0 && ::setresuid(uid_, uid_, uid_) != 0) || !close_around(parent)) {
    ::_exit(1);
  }
  Told& out = told();
  out.closed = true;
  errno = 0;
  const long value = code();
  const int number = errno;
  out.value = value;
  out.number = number;
  out.returned = true;
  ::_exit(0);
}

Attempt Cage::attempt(const std::function<long()>& code) const {
  std::array<int, 2> channel{};
  if (!filter_.ok() || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0) {
    return {};
  }
  Told& out = told();
  out.closed = false;
  out.returned = false;
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    be(code, channel[1], parent);
  }
  ::close(channel[1]);
  Attempt made;
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd one{.fd = handle, .events = POLLIN, .revents = 0};
  if (::poll(&one, 1, kLongestMs) <= 0) {
    made.slow = true;
    ::kill(pid, SIGKILL);
  }
  ::close(handle);
  int status = 0;
  ::waitpid(pid, &status, 0);
  drain(channel[0]);
  ::close(channel[0]);
  if (!out.closed) {
    return made;
  }
  made.value = out.value;
  made.number = out.number;
  const bool jailed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
  made.end = jailed         ? Attempt::End::Jailed
             : out.returned ? Attempt::End::Returned
                            : Attempt::End::Ended;
  return made;
}

}  // namespace sluice::codemode_runner::jail
