// CircuitBreaker: after several calls in a row that a server did not answer, further ones are
// refused at once for a while; then one is let through, and its end decides. No clock of its own.
#pragma once

#include "services/mcp-connector/limits.h"

#include "common/async/clock.h"
#include "common/base/result.h"

#include <string>

namespace sluice::mcp_connector {

// What the end of a call says about its server.
enum class CallVerdict {
  Answered,      // whatever the answer was, an error of the tool too
  ServerFailed,  // no answer although there was time for one, or the transport broke
  Nothing,       // the caller left or had little time, or the call was not sent
};

// error: nullptr when there was an answer. waited: since the call was sent. call_timeout: what the
// server's configuration allows a call.
[[nodiscard]] CallVerdict verdict_of(
    const Error* error, Duration waited, std::chrono::milliseconds call_timeout
);

class CircuitBreaker {
 public:
  // Errors: Unavailable, with the time to wait. Nothing is to be sent then.
  [[nodiscard]] Result<void> check(TimePoint now) const;
  // The same for a call that is sent now; ended() follows.
  [[nodiscard]] Result<void> admit(TimePoint now);
  // Whether is_open() changed.
  bool ended(CallVerdict verdict, TimePoint now);

  // The server was started anew and listed its tools: the next call may try at once.
  void reconnected() { until_ = TimePoint::min(); }

  // Calls are refused, but for one from time to time.
  [[nodiscard]] bool is_open() const { return open_; }

  // For the state of the server; empty while calls are let through.
  [[nodiscard]] std::string message() const;

 private:
  bool open_ = false;
  bool trying_ = false;  // the one call while it is open
  int failures_ = 0;     // in a row
  TimePoint until_;      // of the pause
};

}  // namespace sluice::mcp_connector
