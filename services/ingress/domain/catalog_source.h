// CatalogSource: the catalog snapshot of a caller, cached as long as versions say it holds.
#pragma once

#include "services/ingress/domain/authn.h"
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/lru_cache.h"
#include "services/ingress/domain/single_flight.h"
#include "services/ingress/domain/version_watch.h"
#include "services/ingress/ports.h"

#include <memory>
#include <string>

namespace sluice::ingress {

// A snapshot is used while no newer policy version was heard, nothing said that the catalog
// changed, and policy-engine beats. After kSnapshotAgeMax it is rebuilt in the background. Callers
// with the same view share one.
//
// Errors: Unavailable, Deadline (mcp-connector or policy-engine does not answer; the message says
// which).
class CatalogSource {
 public:
  struct Deps {
    PolicyEngine* policy;  // all outlive the source
    ToolServers* servers;
    async::Clock* clock;
    const VersionWatch* versions;
    async::TaskGroup* tasks;
  };

  explicit CatalogSource(Deps deps);

  // The cached snapshot, or nullptr. Never waits.
  [[nodiscard]] SnapshotPtr cached(
      const CallerPtr& caller, const Narrowing& narrowing, const RequestContext& context
  );
  Async<SnapshotPtr> snapshot(CallerPtr caller, Narrowing narrowing, RequestContext context);
  // Forgets the caller's snapshot: somebody who knows better said that it is out of date.
  void forget(const Caller& caller);

 private:
  struct Known {
    SnapshotPtr snapshot;
    std::uint64_t generation = 0;
    TimePoint built;
  };

  Async<SnapshotPtr> fetch(CallerPtr caller, RequestContext context);
  Async<std::shared_ptr<const connector::v1::CatalogReply>> fetch_catalog(RequestContext context);
  SingleFlight<SnapshotPtr>::Work work(const CallerPtr& caller, RequestContext context);
  [[nodiscard]] bool usable(const Known& known) const;

  Deps deps_;
  std::shared_ptr<const connector::v1::CatalogReply> catalog_;
  LruCache<Known> by_caller_;         // by identity, and identity + narrowing
  LruCache<SnapshotPtr> by_content_;  // by what policy shows and the catalog version
  SingleFlight<SnapshotPtr> flights_;
};

}  // namespace sluice::ingress
