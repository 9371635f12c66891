// FakeCallCounters: the counters of limits in memory, on a test's clock. Keeps the contract of
// call_counters_contract.h, as the real ones do.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/testing/fault_plan.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::policy_engine {

class FakeCallCounters final : public CallCounters {
 public:
  explicit FakeCallCounters(async::Clock* clock, testing::FaultPlan* faults = nullptr)
      : clock_(clock), faults_(faults) {}

  Async<std::vector<ReservationEnd>> reserve(std::vector<Reservation> calls) override;
  Async<void> settle(connector::v1::CallEnded end) override;
  Async<policy::v1::LimitState> state(Limit limit) override;

  // Down: everything ends with Unavailable.
  void set_down(bool down) { down_ = down; }

  int reserves = 0;  // how often reserve() was asked
  std::vector<connector::v1::CallEnded> settled;

 private:
  struct Place {
    std::int64_t counted_ms = 0;
    bool counted = false;
    std::int64_t over_ms = 0;  // 0: not in flight
  };

  struct Call {
    std::int64_t not_after = 0;
    bool again = false;
    bool ended = false;
    std::map<std::string, Place> places;  // by counter
  };

  Result<void> step();
  ReservationEnd reserve_one(const Reservation& asked);
  [[nodiscard]] bool has_place(const Call* call, const LimitCounter& counter, bool at_once) const;
  [[nodiscard]] std::vector<std::int64_t> times_in(const LimitCounter& counter, bool at_once) const;

  async::Clock* clock_;
  testing::FaultPlan* faults_;
  bool down_ = false;
  std::map<std::string, Call> calls_;                                   // by the call's name
  std::map<std::string, std::map<std::string, std::string>> subjects_;  // limit, counter
};

}  // namespace sluice::policy_engine
