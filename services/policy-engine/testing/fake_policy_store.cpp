#include "services/policy-engine/testing/fakes.h"

#include <algorithm>

namespace sluice::policy_engine {

Async<StoredPolicy> FakePolicyStore::read() {
  SLUICE_CO_CHECK_OK(step());
  co_return stored;
}

Async<std::uint64_t> FakePolicyStore::revision() {
  SLUICE_CO_CHECK_OK(step());
  co_return stored.revision;
}

Async<std::vector<CallerKey>> FakePolicyStore::revoked() {
  SLUICE_CO_CHECK_OK(step());
  co_return gone;
}

Async<ChangedKey> FakePolicyStore::change(KeyTransition transition) {
  SLUICE_CO_CHECK_OK(step());
  co_return apply(transition);
}

Async<bool> FakePolicyStore::offer_setup(std::string token_digest) {
  SLUICE_CO_CHECK_OK(step());
  if (!setup_digest.empty()) {
    co_return false;
  }
  setup_digest = std::move(token_digest);
  co_return true;
}

Async<ChangedKey> FakePolicyStore::use_setup(std::string token_digest, KeyTransition transition) {
  SLUICE_CO_CHECK_OK(step());
  if (setup_digest.empty() || setup_digest != token_digest) {
    co_return Error(Code::Unauthenticated, "this is not the setup token");
  }
  if (setup_used) {
    co_return Error(Code::Conflict, "the setup token was used");
  }
  auto changed = apply(transition);
  setup_used = changed.ok();
  co_return changed;
}

std::vector<std::string> FakePolicyStore::actions() const {
  std::vector<std::string> actions;
  for (const audit::v1::Record& record : outbox) {
    actions.push_back(record.action());
  }
  return actions;
}

Result<ChangedKey> FakePolicyStore::apply(const KeyTransition& transition) {
  SLUICE_TRY(KeyChange change, transition(stored));
  const auto has_id = [&change](const CallerKey& key) { return key.id == change.key.id; };
  const auto found = std::find_if(stored.keys.begin(), stored.keys.end(), has_id);
  if (change.kind == KeyChange::Kind::Create) {
    if (found != stored.keys.end() || std::any_of(gone.begin(), gone.end(), has_id)) {
      return Error(Code::Conflict, "the id was that of a key that is revoked: give another id");
    }
    stored.keys.push_back(change.key);
    std::sort(stored.keys.begin(), stored.keys.end(), [](const CallerKey& a, const CallerKey& b) {
      return a.id < b.id;
    });
  } else if (found == stored.keys.end()) {
    return Error(Code::NotFound, "no key made by API has that id: list them again");
  } else if (change.kind == KeyChange::Kind::Update) {
    *found = change.key;
  } else {
    stored.keys.erase(found);
    gone.insert(gone.begin(), change.key);
  }
  ++stored.revision;
  outbox.insert(outbox.end(), change.records.begin(), change.records.end());
  return ChangedKey{std::move(change.key), stored.revision};
}

}  // namespace sluice::policy_engine
