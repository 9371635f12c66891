#include "services/policy-engine/domain/catalog_cache.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

// A change may be heard while a fetch is under way: then one more is needed, and no more than that
// is waited for.
constexpr int kFetchesAwaitedMax = 3;

}  // namespace

Async<CatalogCache::Snapshot> CatalogCache::get(RequestContext context) {
  for (int i = 0; i < kFetchesAwaitedMax && !is_fresh(); ++i) {
    SLUICE_CO_TRY(const Snapshot fetched, co_await await_fetch(context));
  }
  if (!is_fresh()) {
    co_return Error(
        Code::Unavailable, "the tool catalog changes faster than it can be read; try again"
    );
  }
  co_return known_;
}

Async<CatalogCache::Snapshot> CatalogCache::recheck(RequestContext context) {
  if (!is_fresh() || deps_.clock->now() - fetched_at_ >= kCatalogRecheckInterval) {
    SLUICE_CO_TRY(const Snapshot fetched, co_await await_fetch(context));
  }
  co_return co_await get(std::move(context));
}

bool CatalogCache::needs_fetch() const {
  if (!is_fresh()) {
    return true;
  }
  return deps_.clock->now() - fetched_at_ >=
         (known_->has_all_pins() ? kCatalogAgeMax : kPinRetryInterval);
}

void CatalogCache::refresh_if_old() {
  if (needs_fetch()) {
    start_fetch();
  }
}

void CatalogCache::start_fetch() {
  if (!fetching_) {
    fetching_ = true;
    deps_.tasks->spawn("catalog-fetch", fetch());
  }
}

Async<CatalogCache::Snapshot> CatalogCache::await_fetch(RequestContext context) {
  if (waiters_.size() >= kCatalogWaitersMax) {
    co_return Error(
        Code::Exhausted, "too many requests wait for the tool catalog; try again later"
    );
  }
  async::OneShot<void> done;
  waiters_.push_back(&done);  // before the fetch: a task may run to its end inside spawn()
  start_fetch();
  const auto result = co_await async::with_deadline(deps_.clock, context.deadline, done.wait());
  waiters_.remove(&done);
  SLUICE_CO_CHECK_OK(result);
  co_return known_;
}

Async<void> CatalogCache::fetch() {
  const std::uint64_t changes = changes_;
  // Pins that are to be read again are those of the definitions, which only a whole reply has.
  auto fetched = co_await fetch_from(has_current_pins() ? version() : "");

  fetching_ = false;
  Result<void> result;
  if (!fetched.ok()) {
    result = std::move(fetched).error();
    deps_.log->warn("catalog-fetch-failed", {{"error", result.error().to_log()}});
  } else {
    fetched_at_ = deps_.clock->now();
    changes_seen_ = changes;
    const Snapshot before = std::exchange(known_, std::move(fetched).value());
    if (deps_.on_change && (before == nullptr || before->version() != known_->version())) {
      deps_.on_change(*known_);
    }
  }
  for (auto* const waiter : std::exchange(waiters_, {})) {
    waiter->set(result);
  }
  co_return Result<void>();
}

// What is known, where that is the version known.
Async<CatalogCache::Snapshot> CatalogCache::fetch_from(std::string known_version) {
  connector::v1::CatalogRequest request;
  request.set_known_version(known_version);
  RequestContext context;
  context.deadline = deps_.clock->now() + kCatalogFetchTimeout;
  SLUICE_CO_TRY(
      auto reply, co_await deps_.servers->catalog(std::move(request), std::move(context))
  );
  if (!known_version.empty() && reply.version() == known_version) {
    co_return known_;
  }
  SLUICE_CO_CHECK_OK(check_size(reply));
  const auto shared = std::make_shared<const connector::v1::CatalogReply>(std::move(reply));
  SLUICE_CO_TRY(const CheckedPins pins, co_await deps_.pins->check(shared));
  co_return Catalog::from(*shared, deps_.read_added, pins);
}

}  // namespace sluice::policy_engine
