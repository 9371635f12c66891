#include "services/mcp-connector/handlers/input.h"

#include "common/crypto/sha256.h"

#include <utility>

namespace sluice::mcp_connector {

Async<connector::v1::Final> InputHandler::operator()(
    connector::v1::Input input,
    bus::ChunkWriter<connector::v1::Progress>* out,
    RequestContext context
) {
  if (deps_.audit->full()) {
    co_return Error(Code::Unavailable, "the audit outbox is full; the call waits on, retry later");
  }
  policy::v1::CallerClaims claims;
  auto call = admit(input, context, &claims);
  if (!call.ok()) {
    audit::v1::Record record = audit::record_of(context, "tool.refused");
    record.set_tenant(claims.tenant());
    record.set_principal(claims.principal());
    record.set_key_id(claims.key_id());
    record.set_server(input.server_id());
    record.set_args_digest(crypto::sha256(input.params()));
    SLUICE_CO_CHECK_OK(co_await refuse(std::move(record), call.error()));
    co_return std::move(call).error();
  }
  const auto round = call.value()->round;
  call.value()->wake();
  auto final = co_await relay(round, out);
  const bool left = !final.ok() && final.error().code() == Code::Cancelled;
  if (left && input.cancel_with_caller()) {
    call.value()->give_up();
  }
  co_return final;
}

// The call has its input then. claims: of a verified caller.
Result<SharedCall> InputHandler::admit(
    const connector::v1::Input& input,
    const RequestContext& context,
    policy::v1::CallerClaims* claims
) {
  SLUICE_TRY(
      *claims, grant::verify_token(*deps_.token_keys, context.caller_token, deps_.clock->unix_ms())
  );
  SLUICE_TRY(Replies replies, parse_replies(input.responses().empty() ? "{}" : input.responses()));
  SLUICE_TRY(SharedCall call, parked_.take(input, *claims));
  call->input = std::make_unique<GrantedCall::Input>(GrantedCall::Input{
      .replies = std::move(replies), .digest = crypto::sha256(input.responses()), .context = context
  });
  return call;
}

Async<void> InputHandler::refuse(audit::v1::Record record, Error why) {
  deps_.log->info("input-refused", {{"server", record.server()}, {"error", why.to_log()}});
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_error_code(std::string(sluice::name_of(why.code())));
  record.set_reason(why.message());
  record.set_detail(record.principal().empty() ? "caller not verified" : "");
  auto recorded = deps_.audit->record(std::move(record));
  const auto written =
      recorded.ok() ? co_await deps_.audit->written() : Result<void>(std::move(recorded).error());
  if (!written.ok()) {
    deps_.log->error("refusal-not-recorded", {{"error", written.error().to_log()}});
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
