#include "services/ingress/domain/version_watch.h"

#include "services/ingress/limits.h"

#include <algorithm>

namespace sluice::ingress {

void VersionWatch::heard(const policy::v1::PolicyBeat& beat, TimePoint now) {
  if (heard_any_ && !fresh(now)) {
    ++generation_;
  }
  heard_any_ = true;
  last_beat_ = now;
  policy_version_ = std::max(policy_version_, beat.policy_version());

  const auto known = catalog_versions_.find(beat.instance());
  if (known != catalog_versions_.end()) {
    if (known->second != beat.catalog_version()) {
      known->second = beat.catalog_version();
      ++generation_;
    }
    return;
  }
  if (catalog_versions_.size() >= kBeatingInstancesMax) {
    catalog_versions_.clear();  // replicas long gone; those alive beat again within 500 ms
  }
  catalog_versions_.emplace(beat.instance(), beat.catalog_version());
  ++generation_;
}

void VersionWatch::catalog_changed() {
  ++generation_;
}

bool VersionWatch::fresh(TimePoint now) const {
  return heard_any_ && now - last_beat_ <= kBeatSilenceMax;
}

}  // namespace sluice::ingress
