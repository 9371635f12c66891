// A hostile native program's place: the jail of a child, closed by the same functions, around code
// that has replaced V8. Each attempt is a process of its own, for the jail kills.
#pragma once

#include "services/codemode-sandbox/runner/jail/jail.h"

#include <functional>
#include <string>

#include <sys/types.h>

namespace sluice::codemode_runner::jail {

enum class Missing {
  Nothing,
  Filter,    // planted, or to try Landlock alone
  Landlock,  // planted, or to try the filter alone
  Both,      // planted
};

struct Attempt {
  enum class End { Jailed, Returned, Ended, NotClosed };

  // Jailed: killed by the filter. Ended: in another way than by returning. NotClosed: no attempt.
  End end = End::NotClosed;
  long value = 0;     // returned
  int number = 0;     // errno then
  bool slow = false;  // it was ended after a second
};

class Cage {
 public:
  // Makes the filter. uid 0: stays who it is.
  Cage(ExecutableMemory executable, Missing missing, uid_t uid);

  // In a fresh process behind all walls that are not missing: standard streams are /dev/null,
  // descriptor 3 is a channel whose other end nobody reads, there is no other.
  [[nodiscard]] Attempt attempt(const std::function<long()>& code) const;

  // Descriptors that came over the channel with SCM_RIGHTS since the last question.
  [[nodiscard]] static int descriptors_received();

 private:
  [[nodiscard]] bool close_around(pid_t parent) const;
  [[noreturn]] void be(const std::function<long()>& code, int channel, pid_t parent) const;

  Missing missing_;
  uid_t uid_;
  Result<SeccompProgram> filter_;
};

}  // namespace sluice::codemode_runner::jail
