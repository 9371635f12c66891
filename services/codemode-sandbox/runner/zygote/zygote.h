// A zygote: a warm process that forks one child per Spawn, tells how it ended, and works on the
// declarations it is given with Prepare. It never talks to a child and never sees a script. Ends
// when its control socket closes; its children die with it.
#pragma once

#include "services/codemode-sandbox/runner/child/warm.h"

#include "common/observability/log.h"

#include <cstdint>

namespace sluice::codemode_runner {

// Children of one zygote at a time, running and idle. Source: kSlotsMax plus idle ones
// (runner/supervisor/limits.h), with room for those being reaped.
inline constexpr std::size_t kChildrenMax = 256;

// Of one Prepare. Source: runner_messages.proto, Run.declarations.
inline constexpr std::size_t kPreparedBytesMax = std::size_t{1} << 20;

struct ZygoteTold {
  std::uint32_t warm_ms = 0;  // how long it took to get warm, for Warm
};

// Announces Warm, then serves the control socket until it closes. The process has one thread.
// Returns the exit code. In a forked child it does not return.
int zygote_main(int control_fd, Warm& warm, const ZygoteTold& told, observability::Log& log);

}  // namespace sluice::codemode_runner
