#include "services/codemode-sandbox/domain/run_limits.h"

#include "services/codemode-sandbox/limits.h"

namespace sluice::codemode_sandbox {

void RunLimits::put_into(runner::Limits* out, std::chrono::milliseconds left) const {
  const auto time = static_cast<std::uint32_t>(std::max(std::min(wall, left).count(), 1L));
  out->set_wall_ms(time);
  out->set_cpu_ms(time);
  out->set_heap_bytes(heap_bytes);
  out->set_console_bytes(static_cast<std::uint32_t>(console_bytes));
  out->set_calls_max(calls_max);
  out->set_value_bytes(static_cast<std::uint32_t>(kValueBytesMax));
}

}  // namespace sluice::codemode_sandbox
