// VersionBinding: keeps the loaded policy bound to a version of the shared sequence. Single thread.
#pragma once

#include "services/policy-engine/domain/policy_state.h"
#include "services/policy-engine/ports.h"

#include <string>

namespace sluice::policy_engine {

class VersionBinding {
 public:
  // Both outlive the binding.
  VersionBinding(VersionStore* store, PolicyState* state) : store_(store), state_(state) {}

  // Makes the policy the newest one and loads it. The newest version already bound to an equal
  // policy is kept.
  // Errors: Conflict (the stored policy has another revision by now) besides the store's.
  Async<void> claim(Policy policy);
  // The same in the place of the version that is loaded only: where there is a newer one, the state
  // knows that it is behind. Errors: Unavailable (nothing loaded) besides.
  Async<void> replace(Policy policy);
  // Asks for the newest version: if it is bound to this policy, it is loaded; else the state knows
  // that it is behind.
  Async<void> catch_up(Policy policy);
  // The same with the policy that is loaded. Errors: Unavailable (nothing loaded).
  Async<void> catch_up();

 private:
  void adopt(const Policy& policy, const BoundVersion& bound);

  VersionStore* store_;
  PolicyState* state_;
};

}  // namespace sluice::policy_engine
