// FaultPlan: fails call 1, then call 2, … of the fakes that ask it, one per run, until a run fires
// no fault.
#pragma once

#include "common/base/result.h"

#include <utility>

namespace sluice::testing {

class FaultPlan {
 public:
  explicit FaultPlan(int call_to_fail, Code code = Code::Unavailable)
      : call_to_fail_(call_to_fail), code_(code) {}

  // A fake calls this at the start of each operation and returns the error it gets.
  [[nodiscard]] Result<void> step() {
    if (++calls_ == call_to_fail_) {
      fired_ = true;
      return Error(code_, "planned fault");
    }
    return {};
  }

  [[nodiscard]] bool fired() const { return fired_; }

 private:
  int call_to_fail_;
  Code code_;
  int calls_ = 0;
  bool fired_ = false;
};

// body(FaultPlan&) builds a fresh fixture, runs the handler, and asserts on plan.fired(). Returns
// the faults fired.
template <class Body>
int for_each_fault(Body body) {
  constexpr int kFaultsMax = 1000;
  for (int call = 1; call <= kFaultsMax; ++call) {
    FaultPlan plan(call);
    body(plan);
    if (!plan.fired()) {
      return call - 1;
    }
  }
  SLUICE_UNREACHABLE("a handler with a thousand calls is a loop");
}

}  // namespace sluice::testing
