// Supervisor: the process of a runner that talks to services and to zygotes. It runs no script, has
// no V8 and no network; one thread besides ZeroMQ's own.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include "common/base/result.h"
#include "common/observability/log.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::codemode_runner {

struct SupervisorOptions {
  std::string runner_id;      // "runner-<8 hex>"
  std::string sockets;        // the folder shared with services
  std::string run_directory;  // where <runner id>.json stands while it serves; empty: nowhere
  std::uint32_t slots = kSlotsDefault;
  std::uint64_t children_per_zygote = kChildrenPerZygote;
  std::vector<std::string> zygote_arguments;
};

// Serves until SIGTERM or SIGINT, then lets what runs finish for at most kDrainTimeout; a second
// signal ends it at once. To be called before any thread is made. Errors: Exhausted (no
// descriptors left).
[[nodiscard]] Result<void> supervise(const SupervisorOptions& options, observability::Log& log);

}  // namespace sluice::codemode_runner
