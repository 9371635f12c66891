// CatalogCache: the newest catalog this replica knows, fetched once for all who wait for it. Single
// thread.
#pragma once

#include "services/policy-engine/domain/catalog.h"
#include "services/policy-engine/ports.h"

#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/observability/log.h"

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace sluice::policy_engine {

// Fetches run as tasks of the group, apart from the requests that wait for them: a request that
// gives up after 250 ms leaves the fetch going, and the next one finds its result. tasks is closed
// before the cache is destroyed.
class CatalogCache {
 public:
  using Snapshot = std::shared_ptr<const Catalog>;

  struct Deps {
    ToolServers* servers;  // all outlive the cache
    async::Clock* clock;
    async::TaskGroup* tasks;
    observability::Log* log;
    PinBook* pins;
    AddedPolicyReader read_added;                   // of servers added by API; may be empty
    std::function<void(const Catalog&)> on_change;  // called for each new version; may be empty
  };

  explicit CatalogCache(Deps deps) : deps_(std::move(deps)) {}

  // What is known, unless a change was heard since it was fetched; else what a fetch brings.
  // Errors: those of the port; Deadline; Exhausted (too many wait).
  Async<Snapshot> get(RequestContext context);
  // The same, but fetched anew unless that was done within the last second.
  Async<Snapshot> recheck(RequestContext context);

  // A change was heard: what is known is not used any more.
  void invalidate() { ++changes_; }

  // Starts a fetch, without waiting, when the last one is older than kCatalogAgeMax or out of date.
  void refresh_if_old();

  // The last one fetched, fresh or not; null before the first.
  [[nodiscard]] const Snapshot& known() const { return known_; }

  // Version of what is known; "" where that is nothing, or lacks the state of its pins: whoever
  // keeps answers by version asks anew when that is there.
  [[nodiscard]] std::string version() const {
    return known_ == nullptr || !known_->has_all_pins() ? "" : known_->version();
  }

 private:
  [[nodiscard]] bool is_fresh() const {
    return known_ != nullptr && changes_seen_ == changes_ && has_current_pins();
  }

  // Under the policy in force.
  [[nodiscard]] bool has_current_pins() const {
    return known_ != nullptr && deps_.pins->is_current(known_->pins_stamp());
  }

  [[nodiscard]] bool needs_fetch() const;
  void start_fetch();
  Async<void> fetch();
  Async<Snapshot> fetch_from(std::string known_version);
  Async<Snapshot> await_fetch(RequestContext context);

  Deps deps_;
  Snapshot known_;
  TimePoint fetched_at_;
  std::uint64_t changes_ = 0;
  std::uint64_t changes_seen_ = 0;  // changes_ when the fetch of known_ began
  bool fetching_ = false;
  std::list<async::OneShot<void>*> waiters_;
};

}  // namespace sluice::policy_engine
