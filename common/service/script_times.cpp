#include "common/service/script_times.h"

#include <cstdint>

namespace sluice::service {
namespace {

// Source: the bus ends a run after 600 s (proto/endpoints.h), and a run token lives at most as
// long; waiting for a runner and the records come on top of both.
constexpr std::int64_t kRunSecondsMax = 300;
constexpr std::int64_t kParkSecondsMax = 240;

}  // namespace

ScriptTimes read_script_times(config::Section& codemode) {
  return {
      .run = std::chrono::seconds(codemode.integer(
          "run_seconds",
          {.fallback = 30,
           .min = 1,
           .max = kRunSecondsMax,
           .unit = "seconds",
           .description = "Longest run of one script."}
      )),
      .park = std::chrono::seconds(codemode.integer(
          "park_seconds",
          {.fallback = 60,
           .min = 0,
           .max = kParkSecondsMax,
           .unit = "seconds",
           .description = "How long one script waits for approvals, on top of its run time. Then "
                          "it ends as approval_required."}
      )),
  };
}

}  // namespace sluice::service
