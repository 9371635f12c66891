// Runs::Run: one script of the runner, in the phase it is in. Inside of Runs: included by its two
// sources only.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/message_check.h"
#include "services/codemode-sandbox/runner/supervisor/runs.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::codemode_runner {

enum class Phase { AwaitsCompiler, Compiling, AwaitsProceed, AwaitsExecutor, Executing, Ending };

struct Runs::Run {
  Run(ServiceId service_id, wire::Run run)
      : service(service_id), request(std::move(run)), check(request.limits()) {}

  [[nodiscard]] const std::string& id() const { return request.run_id(); }

  ServiceId service;
  wire::Run request;                // its source and declarations are dropped once it is compiled
  std::string declarations_digest;  // empty: there are none
  std::string digest;               // of source and declarations
  std::string javascript;
  Phase phase = Phase::AwaitsCompiler;
  ChildId child = 0;        // 0: none
  TimePoint deadline;       // of the phase
  TimePoint began;          // Compile or Start was sent; the time it was parked is added
  TimePoint parked_at;      // while it is parked
  Duration left{0};         // of its wall time, while it is parked
  bool parked = false;      // its wall time stands still and it takes no slot
  bool recompiled = false;  // the zygote of its first compiler died
  bool executed = false;    // Start was sent
  bool overdue = false;     // killed because its time was over
  bool silent = false;      // nobody waits for it any more
  bool lagging = false;     // its child is not read, because the service lags
  std::uint32_t compile_us = 0;
  std::uint32_t wall_us = 0;
  ExecutorCheck check;
  std::set<std::uint32_t> open_calls;
  std::optional<wire::Finished> outcome;  // known before the child's end
};

[[nodiscard]] inline std::uint32_t microseconds_between(TimePoint from, TimePoint to) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count()
  );
}

[[nodiscard]] inline wire::Finished not_finished(
    codemode::v1::Outcome outcome, std::string_view why, std::string_view hint
) {
  wire::Finished finished;
  finished.set_outcome(outcome);
  finished.mutable_error()->set_message(std::string(why));
  finished.mutable_error()->set_hint(std::string(hint));
  return finished;
}

}  // namespace sluice::codemode_runner
