#include "services/provider-router/domain/retry_decision.h"

#include "services/provider-router/limits.h"

#include <algorithm>

namespace sluice::provider_router {
namespace {

bool fault_of_key(ErrorKind kind) {
  return kind == ErrorKind::Auth || kind == ErrorKind::Permission || kind == ErrorKind::Billing ||
         kind == ErrorKind::RateLimit;
}

}  // namespace

std::optional<NextAttempt> next_attempt(const Failure& failure, const Attempted& attempted) {
  if (attempted.passed_on || attempted.attempts >= kAttemptsMax ||
      attempted.remaining <= Duration::zero()) {
    return std::nullopt;
  }
  if (fault_of_key(failure.kind) && attempted.keys_untried > 0) {
    return NextAttempt{std::chrono::milliseconds(0), true};
  }
  if (!failure.retryable) {
    return std::nullopt;
  }
  const auto wait = failure.retry_after.value_or(attempted.own_wait);
  if (wait > kRetryAfterObeyedMax || wait >= attempted.remaining) {
    return std::nullopt;
  }
  return NextAttempt{wait, false};
}

}  // namespace sluice::provider_router
