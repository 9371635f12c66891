// Attempts: the tries of one request at one provider. Chooses the key, leaves a record of each
// failure, waits.
#pragma once

#include "services/provider-router/domain/error_kind.h"
#include "services/provider-router/domain/route_table.h"

#include "common/async/request_context.h"
#include "common/async/retry.h"
#include "common/audit/client.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <optional>

namespace sluice::provider_router {

class Attempts {
 public:
  struct Deps {
    async::Clock* clock;
    audit::Client* audit;
    observability::Log* log;
    observability::Metrics* metrics;
    std::uint64_t seed;  // of the jitter
  };

  Attempts(Deps deps, Route route, RequestContext context);

  // nullptr: the provider has no keys.
  [[nodiscard]] const ProviderKey* key() const { return route_.keys->at(turn_); }

  // After a failed attempt: records provider.failed; true when another attempt is to be made, after
  // the wait. Errors: Unavailable (the record cannot be kept), Cancelled.
  Async<bool> again(Failure failure, bool passed_on, Duration took);

 private:
  Result<void> leave_record(const Failure& failure, Duration took);

  Deps deps_;
  Route route_;
  RequestContext context_;
  std::size_t turn_;
  std::size_t keys_tried_ = 1;
  int attempts_ = 0;
  std::optional<async::Backoff> backoff_;
};

}  // namespace sluice::provider_router
