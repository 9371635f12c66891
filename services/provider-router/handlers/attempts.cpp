#include "services/provider-router/handlers/attempts.h"

#include "services/provider-router/domain/retry_decision.h"
#include "services/provider-router/limits.h"

namespace sluice::provider_router {

Attempts::Attempts(Deps deps, Route route, RequestContext context)
    : deps_(deps),
      route_(std::move(route)),
      context_(std::move(context)),
      turn_(route_.keys->begin_turn()) {}

Async<bool> Attempts::again(Failure failure, bool passed_on, Duration took) {
  ++attempts_;
  SLUICE_CO_CHECK_OK(leave_record(failure, took));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  if (!backoff_) {
    const async::RetryPolicy policy{kAttemptsMax, kRetryWaitFirst, kRetryWaitMax, 2.0, 0.2};
    backoff_.emplace(policy, deps_.seed);
  }
  const std::size_t keys = route_.keys->size();
  const Attempted attempted{
      .attempts = attempts_,
      .passed_on = passed_on,
      .keys_untried = keys > keys_tried_ ? keys - keys_tried_ : 0,
      .own_wait = backoff_->next(),
      .remaining = context_.deadline - deps_.clock->now(),
  };
  const auto next = next_attempt(failure, attempted);
  if (!next) {
    co_return false;
  }
  if (next->other_key) {
    ++turn_;
    ++keys_tried_;
  }
  if (next->wait > std::chrono::milliseconds::zero()) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, next->wait));
  }
  co_return true;
}

Result<void> Attempts::leave_record(const Failure& failure, Duration took) {
  const std::string_view kind = name_of(failure.kind);
  const ProviderKey* used = key();
  deps_.log->warn(
      "provider-failed",
      {{"provider", route_.provider->name},
       {"model", route_.model},
       {"kind", kind},
       {"status", failure.upstream_status},
       {"key", used == nullptr ? std::string_view("none") : std::string_view(used->id)},
       {"attempt", attempts_},
       {"detail", failure.detail},
       {"request", context_.request.str()}}
  );
  deps_.metrics
      ->counter(
          "sluice_provider_router_failed_attempts_total",
          "Attempts at a provider that failed, by provider and kind of error",
          {{"provider", route_.provider->name}, {"kind", std::string(kind)}}
      )
      .add();
  audit::v1::Record record = audit::record_of(context_, "provider.failed");
  record.set_hop(context_.hop + static_cast<std::uint32_t>(attempts_ - 1));
  record.set_provider(route_.provider->name);
  record.set_model(route_.model);
  record.set_outcome(audit::v1::OUTCOME_FAILED);
  record.set_error_code(std::string(name_of(code_of(failure.kind))));
  record.set_reason(std::string(kind));
  record.set_detail("HTTP " + std::to_string(failure.upstream_status) + ": " + failure.detail);
  record.set_latency_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(took).count()
  ));
  SLUICE_TRY(const std::string event_id, deps_.audit->record(std::move(record)));
  static_cast<void>(event_id);  // nothing refers to it later
  return {};
}

}  // namespace sluice::provider_router
