#include "services/codemode-sandbox/runner/supervisor/scheduling.h"

#include <algorithm>
#include <cstdint>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// sched_attr of the kernel, in its first version: of the C libraries only newer ones know it.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t sched_policy = 0;
  std::uint64_t sched_flags = 0x08;  // SCHED_FLAG_KEEP_POLICY
  std::int32_t sched_nice = 0;
  std::uint32_t sched_priority = 0;
  std::uint64_t sched_runtime = 0;  // ns
  std::uint64_t sched_deadline = 0;
  std::uint64_t sched_period = 0;
};

}  // namespace

bool schedule(pid_t process, const Scheduling& scheduling) {
  SchedulingAttributes attributes;
  // -1 is a priority, too: an error stays unseen, and the next call has the same.
  const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(process));
  attributes.sched_nice = std::max(nice, scheduling.nice);
  attributes.sched_runtime =
      static_cast<std::uint64_t>(std::chrono::nanoseconds(scheduling.turn).count());
  return ::syscall(SYS_sched_setattr, process, &attributes, 0) == 0;
}

}  // namespace sluice::codemode_runner
