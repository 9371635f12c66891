#include "services/policy-engine/domain/stored_policy.h"

#include <set>
#include <string_view>

namespace sluice::policy_engine {
namespace {

// What a stored key may not have: ids and texts of the file's keys.
class Taken {
 public:
  explicit Taken(const Policy& policy) {
    for (const CallerKey& key : policy.keys) {
      if (!key.origin) {
        ids_.insert(key.id);
        digests_.insert(key.digest);
      }
    }
  }

  [[nodiscard]] bool holds(const CallerKey& key) const {
    return ids_.contains(key.id) || digests_.contains(key.digest);
  }

 private:
  std::set<std::string, std::less<>> ids_;
  std::set<std::string, std::less<>> digests_;
};

}  // namespace

Policy with_stored(Policy policy, const StoredPolicy& stored) {
  std::erase_if(policy.keys, [](const CallerKey& key) { return key.origin.has_value(); });
  const Taken taken(policy);
  for (const CallerKey& key : stored.keys) {
    if (!taken.holds(key)) {
      policy.keys.push_back(key);
    }
  }
  policy.stored_revision = stored.revision;
  return policy;
}

std::vector<std::string> hidden_keys(const Policy& policy, const StoredPolicy& stored) {
  const Taken taken(policy);
  std::vector<std::string> hidden;
  for (const CallerKey& key : stored.keys) {
    if (taken.holds(key)) {
      hidden.push_back(key.id);
    }
  }
  return hidden;
}

}  // namespace sluice::policy_engine
