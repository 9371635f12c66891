#include "services/policy-engine/domain/version_binding.h"

#include <memory>
#include <utility>

namespace sluice::policy_engine {

Async<void> VersionBinding::claim(Policy policy) {
  VersionClaim claim{policy.hash(), policy.stored_revision, std::nullopt};
  SLUICE_CO_TRY(const BoundVersion bound, co_await store_->claim(std::move(claim)));
  adopt(policy, bound);
  co_return Result<void>();
}

Async<void> VersionBinding::replace(Policy policy) {
  const PolicyState::Snapshot loaded = state_->loaded();
  if (loaded == nullptr) {
    co_return Error(Code::Unavailable, "no policy is loaded yet; try again");
  }
  std::string hash = policy.hash();
  VersionClaim claim{hash, policy.stored_revision, loaded->version};
  SLUICE_CO_TRY(const BoundVersion bound, co_await store_->claim(std::move(claim)));
  if (bound.hash == hash) {
    adopt(policy, bound);
  } else {
    state_->heard(bound.version);
  }
  co_return Result<void>();
}

Async<void> VersionBinding::catch_up(Policy policy) {
  SLUICE_CO_TRY(const BoundVersion newest, co_await store_->newest());
  if (newest.hash == policy.hash()) {
    adopt(policy, newest);
  } else {
    state_->heard(newest.version);
  }
  co_return Result<void>();
}

Async<void> VersionBinding::catch_up() {
  const PolicyState::Snapshot loaded = state_->loaded();
  if (loaded == nullptr) {
    co_return Error(Code::Unavailable, "no policy is loaded yet; try again");
  }
  co_return co_await catch_up(loaded->policy);
}

void VersionBinding::adopt(const Policy& policy, const BoundVersion& bound) {
  state_->load(std::make_shared<const LoadedPolicy>(LoadedPolicy{policy, bound.hash, bound.version})
  );
}

}  // namespace sluice::policy_engine
