#include "services/mcp-connector/domain/circuit_breaker.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;

// How long a caller waits who comes while the one call is under way.
constexpr milliseconds kAskAgain{1000};

}  // namespace

CallVerdict verdict_of(const Error* error, Duration waited, milliseconds call_timeout) {
  if (error == nullptr) {
    return CallVerdict::Answered;
  }
  switch (error->code()) {
    case Code::Deadline:  // a caller's time is a little less than what the server is allowed
      return waited * kCircuitWaitedParts >= call_timeout * (kCircuitWaitedParts - 1)
                 ? CallVerdict::ServerFailed
                 : CallVerdict::Nothing;
    case Code::Unavailable:
      return CallVerdict::ServerFailed;
    default:
      return CallVerdict::Nothing;
  }
}

Result<void> CircuitBreaker::check(TimePoint now) const {
  if (!open_ || (now >= until_ && !trying_)) {
    return {};
  }
  const auto left = std::chrono::ceil<milliseconds>(now < until_ ? until_ - now : Duration(0));
  return Error(
             Code::Unavailable,
             "the MCP server left its last calls unanswered, so it gets none for a while; nothing "
             "was done, retry later"
  )
      .with_retry_after(std::max(left, kAskAgain));
}

Result<void> CircuitBreaker::admit(TimePoint now) {
  SLUICE_CHECK_OK(check(now));
  trying_ = open_;
  return {};
}

bool CircuitBreaker::ended(CallVerdict verdict, TimePoint now) {
  const bool was_open = open_;
  if (verdict == CallVerdict::Answered) {
    *this = CircuitBreaker();
    return was_open;
  }
  const bool tried = std::exchange(trying_, false);
  if (verdict == CallVerdict::Nothing || (open_ && !tried)) {  // a call from before it opened
    return false;
  }
  failures_ = std::min(failures_ + 1, kCircuitFailuresMax);
  if (failures_ == kCircuitFailuresMax) {
    open_ = true;
    until_ = now + kCircuitPause;
  }
  return open_ != was_open;
}

std::string CircuitBreaker::message() const {
  if (!open_) {
    return {};
  }
  return "the MCP server left " + std::to_string(kCircuitFailuresMax) +
         " calls in a row unanswered; calls are refused, but for one every " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(kCircuitPause).count()) +
         " s, until one is answered; look at the server's own logs";
}

}  // namespace sluice::mcp_connector
