// LimitGate: which calls of a decided request are over a limit. What gets a grant has its places in
// the counters before. Single thread.
#pragma once

#include "services/policy-engine/domain/decide_batch.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <map>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// The places that one request took, by the call's index.
using TakenPlaces = std::map<int, Reservation>;

// Without limits that match nothing here waits. Errors of apply() and take(): Unavailable (Redis
// does not answer within kLimitTimeout): nothing that a limit counts is decided without it.
class LimitGate {
 public:
  struct Deps {
    CallCounters* counters;  // all outlive the gate
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  explicit LimitGate(Deps deps) : deps_(deps) {}

  // The reply of decide_batch() with limits in it: calls that get a grant, or may get one for the
  // approval they come with, take their places; those that would wait for an approval only look
  // whether there is room. A call over its limit is denied by the rule limits.<id>, in the order of
  // the calls. batch and taken outlive the call.
  Async<policy::v1::DecideReply> apply(
      const Batch* batch, policy::v1::DecideReply reply, TakenPlaces* taken
  );

  // The same for one call whose approval was found after apply().
  Async<void> take(
      const Batch* batch, int index, policy::v1::Decision* decision, TakenPlaces* taken
  );

  // Of calls that have no grant in the reply, or of all without one. What cannot be given back
  // stays counted.
  Async<void> give_back(const policy::v1::DecideReply* reply, TakenPlaces* taken);

 private:
  struct Asked {
    int index = 0;
    Reservation reservation;
  };

  Async<void> reserve(
      const Batch* batch,
      std::vector<Asked> asked,
      policy::v1::DecideReply* reply,
      TakenPlaces* taken
  );
  void refuse(
      const Asked& asked,
      const ReservationEnd& end,
      const std::string& approval_id,
      policy::v1::Decision* decision
  );

  Deps deps_;
};

}  // namespace sluice::policy_engine
