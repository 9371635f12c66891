// CallMeter: tells policy-engine how the calls that its limits count have ended.
//
// What was certainly not carried out is counted no more, so nobody may make use of that afterwards:
// a call that is told as refused has taken its signed form of the grant out of use before, for all
// replicas.
#pragma once

#include "services/mcp-connector/connections/granted_call.h"
#include "services/mcp-connector/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <string>

namespace sluice::mcp_connector {

// Who counts calls.
class CallEnds {
 public:
  virtual ~CallEnds() = default;
  // Does not wait, and may be lost: the call stays counted then.
  virtual void call_ended(const connector::v1::CallEnded& event) = 0;
};

class CallMeter {
 public:
  struct Deps {
    async::Clock* clock;  // all outlive the meter
    observability::Log* log;
    Nonces* nonces;
    CallEnds* ends;
  };

  explicit CallMeter(Deps deps) : deps_(deps) {}

  // Before the intent of a write or delete: its form of the grant is this call's. At once for a
  // grant that is not metered. Errors: Conflict (it was used or refused before), Unavailable.
  Async<void> claim(SharedCall call);
  // Nothing was sent. Tells it where the grant fits this very request and nobody used this form of
  // it before. Waits for Redis at most once.
  Async<void> refused(SharedCall call);
  // The call had the use of its grant.
  void ended(const GrantedCall& call, connector::v1::Outcome outcome);

 private:
  // Whether this is the first one with this form.
  Async<bool> take_form(SharedCall call);

  Deps deps_;
};

// How long a use of the grant is remembered: beyond its end.
[[nodiscard]] std::chrono::milliseconds remembered_for(
    const policy::v1::Grant& grant, std::int64_t now_unix_ms
);

}  // namespace sluice::mcp_connector
