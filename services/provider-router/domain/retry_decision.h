// Whether, when and with which key a failed exchange is tried again.
#pragma once

#include "services/provider-router/domain/error_kind.h"

#include "common/async/clock.h"

#include <chrono>
#include <optional>

namespace sluice::provider_router {

// What is known when an attempt has failed.
struct Attempted {
  int attempts = 1;                       // made so far
  bool passed_on = false;                 // a byte of an answer has reached the caller
  std::size_t keys_untried = 0;           // other keys of the provider not used by this request
  std::chrono::milliseconds own_wait{0};  // what backoff would wait
  Duration remaining{};                   // until the request's deadline
};

struct NextAttempt {
  std::chrono::milliseconds wait{0};
  bool other_key = false;
};

// nullopt: give the failure to the caller.
//
// Never after a byte was passed on: the caller would see two beginnings. A failure of the key
// (refused, no credit, rate limit) goes to another key at once; otherwise the provider's wish
// (x-should-retry, retry-after) decides. Source: providers.md 12.7.
[[nodiscard]] std::optional<NextAttempt> next_attempt(
    const Failure& failure, const Attempted& attempted
);

}  // namespace sluice::provider_router
