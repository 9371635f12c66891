// The system calls a child may make, as a BPF program made once in the zygote and loaded in each
// child (0.1 ms).
#pragma once

#include "common/base/result.h"

#include <vector>

#include <linux/filter.h>

namespace sluice::codemode_runner::jail {

// May the child map memory it can execute? The compiler's JIT must; an executor must not.
enum class ExecutableMemory { Refused, Allowed };

class SeccompProgram {
 public:
  // read, write and poll work on socket only; file probes of the C library, V8 and ICU answer
  // ENOENT; every call that is not listed kills the process (SIGSYS).
  // Errors: Unavailable (no seccomp).
  [[nodiscard]] static Result<SeccompProgram> make(int socket, ExecutableMemory executable);

  // For this process, which must have no_new_privs. Errors: Internal.
  [[nodiscard]] Result<void> load() const;

 private:
  explicit SeccompProgram(std::vector<sock_filter> program) : program_(std::move(program)) {}

  std::vector<sock_filter> program_;
};

}  // namespace sluice::codemode_runner::jail
