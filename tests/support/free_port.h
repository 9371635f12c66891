// A TCP port of 127.0.0.1 that nobody listens on. For servers that cannot say which one they took:
// another program may be faster, so their start is tried again.
#pragma once

#include <cstdint>

namespace sluice::tests {

[[nodiscard]] std::uint16_t free_port();

}  // namespace sluice::tests
