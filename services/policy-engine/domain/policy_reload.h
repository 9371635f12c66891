// PolicyReload: takes over the settings file and the stored policy as they are now, when an admin
// asks for it or changes something, and when one of them changed. Faults change nothing. Single
// thread.
#pragma once

#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/policy_state.h"
#include "services/policy-engine/domain/version_binding.h"
#include "services/policy-engine/ports.h"

#include "common/audit/client.h"
#include "common/observability/log.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::policy_engine {

// What a reload found.
struct CheckedSettings {
  std::string hash;                   // of the policy
  std::vector<std::string> warnings;  // of the settings, and of rules that do nothing
};

class PolicyReload {
 public:
  struct Deps {
    SettingsFile* settings;  // all outlive it
    PolicyStore* stored;
    VersionBinding* binding;
    const PolicyState* policy;
    const CatalogCache* catalogs;
    async::Clock* clock;
    observability::Log* log;
    audit::Client* audit;
  };

  explicit PolicyReload(Deps deps) : deps_(deps) {}

  // Reads and checks the file, without taking it over.
  // Errors: Invalid (every fault), Conflict (the file is being read already).
  Async<CheckedSettings> check();
  // The same, and makes it the newest policy of all replicas; an equal one keeps its version.
  // record: of who asked for it; left unsent when the policy is the one in force. Errors: those of
  // the version store besides.
  Async<CheckedSettings> apply(audit::v1::Record record);

  // Loads the policy of the start: the file's, with the stored one. Errors: those of the stores.
  Async<void> begin(Policy file);

  // After a change of the stored policy that made this revision: returns when it is in force here,
  // and every other replica has been told of it. Errors: Unavailable (not within kTakeOverTimeout;
  // the change is stored, and a replica that can takes it over later), Cancelled.
  Async<void> take_over_stored(std::uint64_t revision);

  // Looks at both every kSettingsLookInterval: takes over what changed, and what another replica
  // has loaded when it comes to the same here. Ends with Cancelled only.
  Async<void> watch();

  // One such look, when this replica has heard of a newer version.
  Async<void> catch_up();

  // Called when a policy has been loaded.
  void on_loaded(std::function<void()> tell) { tell_ = std::move(tell); }

 private:
  struct Read {
    Policy policy;
    CheckedSettings checked;
  };

  [[nodiscard]] bool is_in_force(std::uint64_t revision) const;
  Async<Read> read();
  Async<void> claim(Policy policy);
  Async<void> replace_stored();
  Async<void> take_over(Policy policy, audit::v1::Record record);
  Async<void> look();
  Async<void> look_behind();
  Async<void> take_over_change();
  void tell();

  Deps deps_;
  std::function<void()> tell_;
  bool reading_ = false;
  std::string stamp_;  // of the file as it was last taken over, or refused
};

}  // namespace sluice::policy_engine
