// Who goes first when a machine is busy. Linux.
#pragma once

#include <chrono>

#include <sys/types.h>

namespace sluice::codemode_runner {

struct Scheduling {
  int nice = 0;  // at least; one that is higher stays
  // How long it computes at a stretch while others want to. Whoever wakes up goes before those
  // whose turns are longer. Kernels before 6.12 know one length. Zero: the kernel's own.
  std::chrono::microseconds turn{0};
};

// Of a process of one thread, or of the calling thread (0); what it makes later inherits it. False:
// it stays as quick as others. Only makes system calls.
bool schedule(pid_t process, const Scheduling& scheduling);

}  // namespace sluice::codemode_runner
