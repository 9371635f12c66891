#include "services/policy-engine/handlers/webhook_delivery.h"

#include "services/policy-engine/limits.h"

#include "common/async/parallel.h"
#include "common/crypto/random.h"

#include <utility>
#include <vector>

namespace sluice::policy_engine {
namespace {

constexpr int kSuccessFirst = 200;
constexpr int kSuccessLast = 299;
constexpr int kGone = 410;

bool is_taken(const Result<int>& status) {
  return status.ok() && status.value() >= kSuccessFirst && status.value() <= kSuccessLast;
}

bool is_gone(const Result<int>& status) {
  return status.ok() && status.value() == kGone;
}

}  // namespace

Async<void> WebhookDelivery::run() {
  TimePoint next_sweep = deps_.clock->now();
  while (true) {
    SLUICE_CO_CHECK_OK(co_await attempt(look()));
    SLUICE_CO_CHECK_OK(co_await attempt(deliver()));
    if (deps_.clock->now() >= next_sweep) {
      SLUICE_CO_CHECK_OK(co_await attempt(sweep()));
      next_sweep = deps_.clock->now() + kWebhookSweepInterval;
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kWebhookInterval));
  }
}

Async<void> WebhookDelivery::attempt(Async<void> work) {
  const auto result = co_await std::move(work);
  if (!result.ok()) {
    if (result.error().code() == Code::Cancelled) {
      co_return result;
    }
    deps_.log->warn("webhook-upkeep-failed", {{"error", result.error().to_log()}});
  }
  co_return Result<void>();
}

Async<void> WebhookDelivery::look() {
  const auto stamp = co_await deps_.settings->stamp();
  if (!stamp.ok() || stamp.value() == stamp_) {
    const bool ours = !stamp.ok() && stamp.error().code() != Code::Invalid;
    co_return ours ? Result<void>(stamp.error()) : Result<void>();
  }
  auto read = co_await deps_.settings->read();
  if (!read.ok() && read.error().code() != Code::Invalid) {
    co_return read.error();  // the file is not what is wrong: it is read again
  }
  stamp_ = stamp.value();
  if (read.ok()) {
    deps_.told->webhook = std::move(read.value().webhook);
  }
  co_return Result<void>();
}

Async<void> WebhookDelivery::deliver() {
  for (int round = 0; round < kWebhookRoundsMax; ++round) {
    const WebhookPtr webhook = deps_.told->webhook;
    if (webhook == nullptr) {
      break;
    }
    SLUICE_CO_TRY(std::vector<WebhookEvent> claimed, co_await deps_.store->claim());
    const bool more = claimed.size() == kWebhooksAtOnce;
    std::vector<Async<void>> tasks;
    tasks.reserve(claimed.size());
    for (WebhookEvent& event : claimed) {
      tasks.push_back(deliver_one(webhook, std::move(event)));
    }
    SLUICE_CO_CHECK_OK(co_await async::run_parallel(kWebhooksAtOnce, std::move(tasks)));
    if (!more) {
      break;
    }
  }
  co_return Result<void>();
}

Async<void> WebhookDelivery::deliver_one(WebhookPtr webhook, WebhookEvent event) {
  auto status = co_await deps_.receiver->post(
      std::move(webhook), event, deps_.clock->unix_ms(), deps_.clock->now() + kWebhookTimeout
  );
  if (!status.ok() && status.error().code() == Code::Cancelled) {
    co_return status.error();
  }
  co_return co_await settle(std::move(event), std::move(status));
}

Async<void> WebhookDelivery::settle(WebhookEvent event, Result<int> status) {
  if (is_taken(status)) {
    count("delivered");
    co_return co_await deps_.store->remove(std::move(event.id));
  }
  if (is_gone(status)) {
    count("gone");
    SLUICE_CO_CHECK_OK(record_given_up(event, "the receiver answered 410 Gone"));
    SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
    co_return co_await deps_.store->remove(std::move(event.id));
  }
  count("failed");
  deps_.log->warn(
      "webhook-not-taken",
      {{"id", event.id},
       {"attempts", event.attempts},
       {"answer", status.ok() ? "status " + std::to_string(status.value()) : status.error().to_log()
       }}
  );
  co_return co_await deps_.store->put_off(
      std::move(event.id), webhook_wait(event.attempts, crypto::random_u64())
  );
}

Async<void> WebhookDelivery::sweep() {
  SLUICE_CO_TRY(
      const std::vector<WebhookEvent> lost,
      co_await deps_.store->give_up(deps_.clock->unix_ms() - kWebhookEventAgeMaxMs)
  );
  for (const WebhookEvent& event : lost) {
    count("given_up");
    SLUICE_CO_CHECK_OK(record_given_up(event, "no receiver has taken it in time"));
  }
  co_return lost.empty() ? Result<void>() : co_await deps_.audit->written();
}

Result<void> WebhookDelivery::record_given_up(const WebhookEvent& event, std::string_view reason) {
  deps_.log->warn(
      "webhook-given-up",
      {{"id", event.id}, {"type", event.type}, {"attempts", event.attempts}, {"reason", reason}}
  );
  audit::v1::Record record = audit::record_of(RequestContext(), "webhook.given_up");
  record.set_tenant(event.tenant);
  record.set_approval_id(event.approval_id);
  record.set_outcome(audit::v1::OUTCOME_FAILED);
  record.set_reason(std::string(reason));
  record.set_detail(
      event.type + " as " + event.id + ", attempts " + std::to_string(event.attempts)
  );
  const auto recorded = deps_.audit->record(std::move(record));
  return recorded.ok() ? Result<void>() : Result<void>(recorded.error());
}

void WebhookDelivery::count(std::string_view result) {
  deps_.metrics
      ->counter(
          "sluice_policy_webhook_deliveries_total",
          "Attempts to tell the receiver of policy.webhook of a change, by what came of them.",
          {{"result", std::string(result)}}
      )
      .add();
}

}  // namespace sluice::policy_engine
