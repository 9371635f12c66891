// The beat: every 500 ms this replica says which policy and catalog it has loaded, and nothing
// while it is behind. The same round keeps both up to date.
#pragma once

#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/version_binding.h"

#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <string>

namespace sluice::policy_engine {

class Beat {
 public:
  struct Deps {
    PolicyState* policy;  // all outlive the beat
    VersionBinding* binding;
    CatalogCache* catalogs;
    BeatSink* sink;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    std::string instance;
  };

  explicit Beat(Deps deps) : deps_(std::move(deps)) {}

  // Until cancelled. Errors: Cancelled.
  Async<void> run();

  // Another replica's beat (or this one's own).
  void heard(const policy::v1::PolicyBeat& beat) { deps_.policy->heard(beat.policy_version()); }

  // Now, beside the round.
  void publish();

 private:
  Async<void> catch_up();

  Deps deps_;
};

}  // namespace sluice::policy_engine
