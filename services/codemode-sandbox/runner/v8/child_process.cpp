#include "services/codemode-sandbox/runner/v8/child_process.h"

#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/jail/jail.h"

#include <csignal>

#include <unistd.h>

namespace sluice::codemode_runner {

FrameStream begin_child(int fd, pid_t zygote) {
  sigset_t none;
  ::sigemptyset(&none);
  // SIGPIPE: a socket without a reader is an answer of write, not an end.
  if ((fd != kChildSocket && (::dup2(fd, kChildSocket) < 0 || ::close(fd) != 0)) ||
      ::signal(SIGPIPE, SIG_IGN) == SIG_ERR || ::sigprocmask(SIG_SETMASK, &none, nullptr) != 0 ||
      !FrameStream::prepare(kChildSocket).ok() || !jail::close_outer(zygote).ok()) {
    ::_exit(kExitJail);
  }
  return FrameStream(kChildSocket);
}

int first_message_missing(const Result<wire::ToChild>& first) {
  return !first.ok() && first.error().code() == Code::Unavailable ? kExitNoRunner : kExitProtocol;
}

}  // namespace sluice::codemode_runner
