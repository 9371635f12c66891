// PolicyReload: takes over the settings file as it is now, when an admin asks for it and when the
// file changes. Faults change nothing. Single thread.
#pragma once

#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/policy_state.h"
#include "services/policy-engine/domain/version_binding.h"
#include "services/policy-engine/ports.h"

#include "common/audit/client.h"
#include "common/observability/log.h"

#include <string>
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

  // Looks at the file every kSettingsLookInterval: takes it over when it changed, and when another
  // replica has loaded what it says. Ends with Cancelled only.
  Async<void> watch();

 private:
  struct Read {
    Policy policy;
    CheckedSettings checked;
  };

  Async<Read> read();
  Async<void> take_over(Policy policy, audit::v1::Record record);
  Async<void> look();
  Async<void> take_over_change();

  Deps deps_;
  bool reading_ = false;
  std::string stamp_;  // of the file as it was last taken over, or refused
};

}  // namespace sluice::policy_engine
