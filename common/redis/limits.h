// Bounds of the Redis client, each with its reason. Internal.
#pragma once

#include "common/async/retry.h"

#include <cstddef>

namespace sluice::redis {

// Source: 16 KiB hold some hundred replies of the sizes the services ask for; design, chapter
// "Speed".
inline constexpr std::size_t kReadBytes = std::size_t{16} << 10;

// Source: at 1 ms a round trip and 10,000 requests a second with one command each, ten times what
// waits in the steady state.
inline constexpr std::size_t kCommandsMax = 10'000;
inline constexpr std::size_t kOutputBytesMax = std::size_t{16} << 20;

// Source: a catalog of 150 tools with schemas is below 1 MiB; a larger reply than this is a fault.
inline constexpr std::size_t kReplyBytesMax = std::size_t{64} << 20;

// Source: a restarted redis-server answers within some 100 ms; recovery of the stack is promised
// within 5 s.
inline constexpr async::RetryPolicy kReconnect{
    .first_wait = std::chrono::milliseconds(50), .wait_max = std::chrono::milliseconds(1000)
};

}  // namespace sluice::redis
