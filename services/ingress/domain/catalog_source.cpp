#include "services/ingress/domain/catalog_source.h"

#include "services/ingress/limits.h"

#include "common/crypto/sha256.h"

namespace sluice::ingress {
namespace {

std::string cache_key(const Caller& caller, const Narrowing& narrowing) {
  std::string key = caller.identity;
  key.push_back('\0');
  key.append(narrowing.key());
  return key;
}

Error unreachable(Error error, std::string_view service) {
  return Error(
             Code::Unavailable,
             "the tool catalog is not available because " + std::string(service) +
                 " does not answer; try again in a few seconds"
  )
      .with_detail(error.to_log())
      .with_retry_after(std::chrono::milliseconds(1'000));
}

std::string content_key(
    const policy::v1::VisibleReply& visible, const connector::v1::CatalogReply& catalog
) {
  crypto::Sha256 digest;
  digest.field(visible.SerializeAsString()).field(catalog.version());
  return digest.finish();
}

}  // namespace

CatalogSource::CatalogSource(Deps deps)
    : deps_(deps),
      by_caller_(kSnapshotsByCallerMax),
      by_content_(kSnapshotsByContentMax),
      flights_(deps.tasks, kFlightsMax) {}

SnapshotPtr CatalogSource::cached(
    const CallerPtr& caller, const Narrowing& narrowing, const RequestContext& context
) {
  const Known* known = narrowing.restricted() ? by_caller_.find(cache_key(*caller, narrowing))
                                              : by_caller_.find(caller->identity);
  if (known == nullptr || !usable(*known)) {
    return nullptr;
  }
  SnapshotPtr snapshot = known->snapshot;
  if (deps_.clock->now() - known->built > kSnapshotAgeMax) {
    if (narrowing.restricted()) {
      return nullptr;  // made anew from the caller's own, which is rebuilt in the background
    }
    flights_.start(caller->identity, work(caller, context));
  }
  return snapshot;
}

Async<SnapshotPtr> CatalogSource::snapshot(
    CallerPtr caller, Narrowing narrowing, RequestContext context
) {
  if (SnapshotPtr known = cached(caller, narrowing, context); known != nullptr) {
    co_return known;
  }
  const std::uint64_t generation = deps_.versions->generation();
  SnapshotPtr whole = cached(caller, Narrowing(), context);
  if (whole == nullptr) {
    SLUICE_CO_TRY(whole, co_await flights_.join(caller->identity, work(caller, context)));
  }
  if (!narrowing.restricted()) {
    co_return whole;
  }
  SnapshotPtr narrowed = whole->narrowed(narrowing);
  by_caller_.put(cache_key(*caller, narrowing), Known{narrowed, generation, deps_.clock->now()});
  co_return narrowed;
}

void CatalogSource::forget(const Caller& caller) {
  by_caller_.erase(caller.identity);
  catalog_ = nullptr;
}

bool CatalogSource::usable(const Known& known) const {
  return known.generation == deps_.versions->generation() &&
         known.snapshot->policy_version() >= deps_.versions->policy_version() &&
         deps_.versions->fresh(deps_.clock->now());
}

SingleFlight<SnapshotPtr>::Work CatalogSource::work(
    const CallerPtr& caller, RequestContext context
) {
  context.deadline =
      deps_.clock->now() + kSnapshotTimeout;  // it may serve other requests than the one that asked
  return [this, caller, context = std::move(context)] { return fetch(caller, context); };
}

Async<std::shared_ptr<const connector::v1::CatalogReply>> CatalogSource::fetch_catalog(
    RequestContext context
) {
  const auto known = catalog_;
  connector::v1::CatalogRequest request;
  if (known != nullptr) {
    request.set_known_version(known->version());
  }
  auto reply = co_await deps_.servers->catalog(std::move(request), std::move(context));
  if (!reply.ok()) {
    co_return unreachable(std::move(reply).error(), "mcp-connector");
  }
  if (known != nullptr && known->version() == reply.value().version()) {
    co_return known;
  }
  auto fetched = std::make_shared<const connector::v1::CatalogReply>(std::move(reply).value());
  catalog_ = fetched;
  co_return fetched;
}

Async<SnapshotPtr> CatalogSource::fetch(CallerPtr caller, RequestContext context) {
  const std::uint64_t generation = deps_.versions->generation();
  SLUICE_CO_TRY(auto catalog, co_await fetch_catalog(context));
  policy::v1::VisibleRequest request;
  request.set_catalog_version(catalog->version());
  auto visible = co_await deps_.policy->visible(std::move(request), context);
  if (!visible.ok()) {
    co_return unreachable(std::move(visible).error(), "policy-engine");
  }
  if (visible.value().catalog_version() != catalog->version()) {
    SLUICE_CO_TRY(
        catalog, co_await fetch_catalog(context)
    );  // policy has seen a newer one; definitions are compared by hash
  }
  const std::string content = content_key(visible.value(), *catalog);
  SnapshotPtr snapshot;
  if (const SnapshotPtr* same = by_content_.find(content); same != nullptr) {
    snapshot = *same;
  } else {
    snapshot = CatalogSnapshot::build(*catalog, visible.value());
    by_content_.put(content, snapshot);
  }
  by_caller_.put(caller->identity, Known{snapshot, generation, deps_.clock->now()});
  co_return snapshot;
}

}  // namespace sluice::ingress
