// VersionWatch: what ingress has heard of policy and catalog versions. Caches ask it whether they
// may still be used.
#pragma once

#include "common/async/clock.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace sluice::ingress {

// A generation is the time between two signs that the catalog may have changed: a change event, a
// beat that names another catalog version than the same replica's last, or the end of a silence in
// which such signs may have been lost.
class VersionWatch {
 public:
  void heard(const policy::v1::PolicyBeat& beat, TimePoint now);
  void catalog_changed();

  // Called when a new generation or policy version begins.
  void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }

  // The highest heard.
  [[nodiscard]] std::uint64_t policy_version() const { return policy_version_; }

  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  // Whether a beat was heard within kBeatSilenceMax.
  [[nodiscard]] bool fresh(TimePoint now) const;

 private:
  void begin_generation();
  void changed();

  std::function<void()> on_change_;
  bool heard_any_ = false;
  TimePoint last_beat_;
  std::uint64_t policy_version_ = 0;
  std::uint64_t generation_ = 1;
  std::map<std::string, std::string> catalog_versions_;  // by replica
};

}  // namespace sluice::ingress
