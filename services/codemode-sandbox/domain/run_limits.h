// RunLimits: what one script may use, by settings.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::codemode_sandbox {

struct RunLimits {
  std::chrono::milliseconds wall{30'000};
  std::size_t heap_bytes = std::size_t{64} << 20;
  std::size_t console_bytes = std::size_t{256} << 10;
  std::uint32_t calls_max = 200;

  // At most what is left of the request. Processor time is bounded by the same number: a script
  // that waits uses none.
  void put_into(runner::Limits* out, std::chrono::milliseconds left) const;
};

}  // namespace sluice::codemode_sandbox
