// RedisCallCounters: sliding windows and calls in flight, each counter a sorted set of calls by the
// time of Redis, so that replicas need no common clock. Every change is one Lua script. What Redis
// forgets starts anew.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/redis/client.h"

#include <string>
#include <vector>

namespace sluice::policy_engine {

class RedisCallCounters final : public CallCounters {
 public:
  // Outlives it.
  explicit RedisCallCounters(redis::Client* redis) : redis_(redis) {}

  Async<std::vector<ReservationEnd>> reserve(std::vector<Reservation> calls) override;
  Async<void> settle(connector::v1::CallEnded end) override;
  Async<policy::v1::LimitState> state(Limit limit) override;

 private:
  redis::Client* redis_;
};

}  // namespace sluice::policy_engine
