// Hears how metered calls end and settles their places in the counters. Every replica hears every
// end; settling one twice changes nothing.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/async/task_group.h"
#include "common/observability/log.h"

namespace sluice::policy_engine {

// Life: heard() from the bus; before its end await close(). An end that cannot be settled within
// kSettlementTimeout is dropped: its call stays counted, and is in flight until its time is over.
class CallEndedListener {
 public:
  struct Deps {
    Executor executor;
    CallCounters* counters;  // all outlive the listener
    async::Clock* clock;
    observability::Log* log;
  };

  explicit CallEndedListener(Deps deps);

  void heard(connector::v1::CallEnded end);
  Async<void> close();

 private:
  Async<void> settle(connector::v1::CallEnded end);
  void drop(const Error& why);

  Deps deps_;
  async::TaskGroup tasks_;
  std::size_t waiting_ = 0;
};

}  // namespace sluice::policy_engine
