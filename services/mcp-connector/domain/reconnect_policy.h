// How long to wait before a server is started again: 1 s doubling to 30 s, with jitter; small again
// after a connection that lived.
#pragma once

#include "services/mcp-connector/limits.h"

#include "common/async/retry.h"

#include <cstdint>

namespace sluice::mcp_connector {

class ReconnectPolicy {
 public:
  explicit ReconnectPolicy(std::uint64_t seed)
      : backoff_(
            {.attempts_max = 1, .first_wait = kReconnectFirst, .wait_max = kReconnectMax}, seed
        ) {}

  // lived: how long the connection that just ended was usable; zero when it never was.
  [[nodiscard]] std::chrono::milliseconds wait_after(Duration lived) {
    if (lived >= kStableAfter) {
      backoff_.reset();
    }
    return backoff_.next();
  }

 private:
  async::Backoff backoff_;
};

}  // namespace sluice::mcp_connector
