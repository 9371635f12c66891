// The system calls a child may make, as a BPF program made once in the zygote and loaded in each
// child (0.1 ms).
#pragma once

#include "common/base/result.h"

#include <vector>

#include <linux/filter.h>

namespace sluice::codemode_runner::jail {

// May the child map memory it can execute? The compiler's JIT must; an executor must not.
enum class ExecutableMemory { Refused, Allowed };

// A system call that does not kill. README.md publishes the list.
struct ListedCall {
  enum class Answer { Carries, CarriesSome, NotThere, NotPermitted };

  int number = 0;
  // CarriesSome: with the arguments told in README.md only.
  Answer answer = Answer::Carries;
};

[[nodiscard]] std::vector<ListedCall> listed_calls();

class SeccompProgram {
 public:
  // read, write and writev work on socket only, poll on one descriptor, setitimer on the timer of
  // wall time; file probes of the C library, V8 and ICU answer ENOENT; every call that is not
  // listed kills the process (SIGSYS). Errors: Unavailable (no seccomp).
  [[nodiscard]] static Result<SeccompProgram> make(int socket, ExecutableMemory executable);

  // For this process, which must have no_new_privs. Errors: Internal.
  [[nodiscard]] Result<void> load() const;

 private:
  explicit SeccompProgram(std::vector<sock_filter> program) : program_(std::move(program)) {}

  std::vector<sock_filter> program_;
};

}  // namespace sluice::codemode_runner::jail
