#include "services/mcp-connector/connections/call_meter.h"

#include "services/mcp-connector/domain/outcome.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

// A read's grant is used once in any form; of another one each form is taken apart, as the trail
// knows whether the grant was used at all.
std::string nonce_of(const policy::v1::Grant& grant) {
  return needs_durable_intent(grant.effect_class())
             ? grant.grant_id() + ":" + std::to_string(grant.not_after_unix_ms())
             : grant.grant_id();
}

}  // namespace

std::chrono::milliseconds remembered_for(const policy::v1::Grant& grant, std::int64_t now_unix_ms) {
  const auto left = std::chrono::milliseconds(grant.not_after_unix_ms() - now_unix_ms);
  return std::max(left, std::chrono::milliseconds(0)) + kNonceMargin;
}

Async<bool> CallMeter::take_form(SharedCall call) {
  SLUICE_CO_TRY(
      call->form_taken,
      co_await deps_.nonces->use(
          nonce_of(call->grant), remembered_for(call->grant, deps_.clock->unix_ms())
      )
  );
  co_return call->form_taken;
}

Async<void> CallMeter::claim(SharedCall call) {
  if (!call->grant.metered()) {
    co_return Result<void>();
  }
  const auto first = co_await take_form(call);
  if (!first.ok()) {
    co_return Error(
        Code::Unavailable,
        "a limit counts this call, and whether its grant is unused could not be ensured, so "
        "nothing "
        "was sent; decide again and retry"
    )
        .with_detail(first.error().to_log());
  }
  if (!first.value()) {
    co_return Error(
        Code::Conflict, "this grant was used or refused before; decide again and send the new grant"
    );
  }
  co_return Result<void>();
}

Async<void> CallMeter::refused(SharedCall call) {
  if (!call->grant_fits || !call->grant.metered()) {
    co_return Result<void>();
  }
  if (!call->form_taken) {
    const auto first = co_await take_form(call);
    if (!first.ok()) {
      deps_.log->warn("call-end-not-told", {{"error", first.error().to_log()}});
    }
    if (!first.ok() || !first.value()) {
      co_return Result<void>();
    }
  }
  ended(*call, connector::v1::OUTCOME_FAILED);
  co_return Result<void>();
}

void CallMeter::ended(const GrantedCall& call, connector::v1::Outcome outcome) {
  if (!call.grant.metered()) {
    return;
  }
  connector::v1::CallEnded end;
  end.set_grant_id(call.grant.grant_id());
  end.set_outcome(outcome);
  end.set_not_after_unix_ms(call.grant.not_after_unix_ms());
  end.set_used(call.grant_used);
  deps_.ends->call_ended(end);
}

}  // namespace sluice::mcp_connector
