#include "services/policy-engine/handlers/setup.h"

#include "services/policy-engine/domain/key_change.h"
#include "services/policy-engine/domain/virtual_key.h"
#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"

#include <chrono>
#include <string>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kFirstKeyId = "admin";

// The id "admin", or one made where that is taken already.
CallerKey first_key(const Policy& policy, const std::string& text) {
  CallerKey key;
  key.id = policy.key_named(kFirstKeyId) == nullptr ? std::string(kFirstKeyId) : new_key_id();
  key.digest = crypto::sha256(text);
  key.tenant = "default";
  key.roles = {"admin", "caller"};
  return key;
}

}  // namespace

Async<void> SetupHandler::offer() {
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  if (has_admin(loaded->policy, deps_.clock->unix_ms())) {
    co_return Result<void>();
  }
  const std::string token = new_setup_token();
  SLUICE_CO_TRY(const bool made, co_await deps_.store->offer_setup(crypto::sha256(token)));
  if (made) {
    // As an error, so that it is printed whatever the log level: it is never printed again.
    deps_.log->error(
        "setup-token",
        {{"token", token},
         {"hint",
          "nobody can manage this gateway yet; make the first admin key, once, with: curl -X POST "
          "-H 'Authorization: Bearer " +
              token + "' http://127.0.0.1:8080/api/setup"}}
    );
  } else {
    deps_.log->warn(
        "setup-token-made-before",
        {{"hint",
          "nobody can manage this gateway; use the setup token that was printed once, or add an "
          "admin key to auth.keys of the settings file"}}
    );
  }
  co_return Result<void>();
}

Async<policy::v1::SetupReply> SetupHandler::operator()(
    policy::v1::SetupRequest request, RequestContext context
) {
  if (!has_room()) {
    co_return Error(Code::Exhausted, "too many attempts: try again in a second")
        .with_retry_after(std::chrono::seconds(1));
  }
  auto reply = co_await set_up(std::move(*request.mutable_setup_token()), context);
  if (!reply.ok() &&
      (reply.error().code() == Code::Unauthenticated || reply.error().code() == Code::Conflict)) {
    SLUICE_CO_CHECK_OK(record_refusal(reply.error(), request.source_address(), context));
    SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  }
  co_return reply;
}

Async<policy::v1::SetupReply> SetupHandler::set_up(std::string token, RequestContext context) {
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  const std::int64_t now = deps_.clock->unix_ms();
  std::string text = new_key_text();
  KeyTransition transition = setup_of(
      first_key(loaded->policy, text),
      {.principal = "setup",
       .tenant = "default",
       .key_id = {},
       .context = std::move(context),
       .policy = loaded,
       .now_unix_ms = now}
  );
  SLUICE_CO_TRY(
      const ChangedKey changed,
      co_await deps_.store->use_setup(crypto::sha256(token), std::move(transition))
  );
  deps_.log->info("setup-done", {{"key", changed.key.id}});
  // The token is used: the text is told even if the key is in force a moment later.
  if (const auto taken = co_await deps_.reload->take_over_stored(changed.revision); !taken.ok()) {
    if (taken.error().code() == Code::Cancelled) {
      co_return taken.error();
    }
    deps_.log->warn("policy-not-reloaded", {{"error", taken.error().to_log()}});
  }
  policy::v1::SetupReply reply;
  *reply.mutable_key() = shown(changed.key);
  reply.set_key_text(std::move(text));
  co_return reply;
}

bool SetupHandler::has_room() {
  const TimePoint now = deps_.clock->now();
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    attempts_ = 0;
  }
  if (attempts_ >= kSetupAttemptsPerSecondMax) {
    return false;
  }
  ++attempts_;
  return true;
}

Result<void> SetupHandler::record_refusal(
    const Error& error, const std::string& source_address, const RequestContext& context
) {
  audit::v1::Record record = audit::record_of(context, "auth.refused");
  record.set_source_address(source_address);
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_error_code(std::string(name_of(error.code())));
  record.set_detail("setup: " + error.message());
  SLUICE_TRY([[maybe_unused]] const std::string event_id, deps_.audit->record(std::move(record)));
  return {};
}

}  // namespace sluice::policy_engine
