// How long scripts may take: two settings of codemode that ingress, which waits for scripts, and
// codemode-sandbox, which ends them, both read.
#pragma once

#include "common/config/config.h"

#include <chrono>

namespace sluice::service {

struct ScriptTimes {
  std::chrono::seconds run{30};
  std::chrono::seconds park{60};  // on top of run
};

// codemode.run_seconds and codemode.park_seconds of that section. Errors: as Section::integer.
[[nodiscard]] ScriptTimes read_script_times(config::Section& codemode);

}  // namespace sluice::service
