#include "services/ingress/domain/version_watch.h"

#include "services/ingress/limits.h"

namespace sluice::ingress {

void VersionWatch::heard(const policy::v1::PolicyBeat& beat, TimePoint now) {
  if (heard_any_ && !fresh(now)) {
    begin_generation();
  }
  heard_any_ = true;
  last_beat_ = now;
  if (beat.policy_version() > policy_version_) {
    policy_version_ = beat.policy_version();
    changed();
  }

  const auto known = catalog_versions_.find(beat.instance());
  if (known != catalog_versions_.end()) {
    if (known->second != beat.catalog_version()) {
      known->second = beat.catalog_version();
      begin_generation();
    }
    return;
  }
  if (catalog_versions_.size() >= kBeatingInstancesMax) {
    catalog_versions_.clear();  // replicas long gone; those alive beat again within 500 ms
  }
  catalog_versions_.emplace(beat.instance(), beat.catalog_version());
  begin_generation();
}

void VersionWatch::catalog_changed() {
  begin_generation();
}

void VersionWatch::begin_generation() {
  ++generation_;
  changed();
}

void VersionWatch::changed() {
  if (on_change_) {
    on_change_();
  }
}

bool VersionWatch::fresh(TimePoint now) const {
  return heard_any_ && now - last_beat_ <= kBeatSilenceMax;
}

}  // namespace sluice::ingress
