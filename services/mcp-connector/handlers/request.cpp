#include "services/mcp-connector/handlers/request.h"

#include "services/mcp-connector/connections/call_exchange.h"
#include "services/mcp-connector/domain/client_capabilities.h"
#include "services/mcp-connector/domain/grant_check.h"
#include "services/mcp-connector/domain/log_level.h"
#include "services/mcp-connector/domain/outcome.h"
#include "services/mcp-connector/domain/read_params.h"

#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/messages.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

const std::vector<double> kSecondsBounds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), 0
  ));
}

std::string_view outcome_label(connector::v1::Outcome outcome) {
  switch (outcome) {
    case connector::v1::OUTCOME_DONE:
      return "done";
    case connector::v1::OUTCOME_FAILED:
      return "failed";
    default:
      return "unknown";
  }
}

Result<void> check_connected(const LeasedServer& server) {
  if (server.connected()) {
    return server.check_circuit();
  }
  return Error(
      Code::Unavailable,
      "the MCP server is not connected at the moment; nothing was done, retry later"
  );
}

Result<void> check_room(const LeasedServer& server) {
  if (server.in_flight() < kRequestsInFlightMax) {
    return {};
  }
  return Error(
      Code::Exhausted,
      "too many calls are waiting for this MCP server; nothing was done, retry later"
  );
}

}  // namespace

RequestHandler::RequestHandler(Deps deps)
    : deps_(std::move(deps)),
      calls_(deps_.executor, [log = deps_.log](std::string_view name, const Error& error) {
        log->error("call-task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {}

Async<void> RequestHandler::close() {
  deps_.parked->close();
  co_return co_await calls_.close();
}

Async<connector::v1::Final> RequestHandler::operator()(
    connector::v1::Request request,
    bus::ChunkWriter<connector::v1::Progress>* out,
    RequestContext context
) {
  const auto call = std::make_shared<GrantedCall>();
  call->request = std::move(request);
  call->context = std::move(context);
  call->hop = call->context.hop;
  call->received = deps_.clock->now();
  auto admitted = admit(call.get());
  if (deps_.audit->full()) {
    SLUICE_CO_CHECK_OK(co_await deps_.meter->refused(call));
    co_return Error(Code::Unavailable, "the audit outbox is full; nothing was done, retry later");
  }
  if (!admitted.ok()) {
    SLUICE_CO_CHECK_OK(co_await refuse(call, admitted.error()));
    co_return std::move(admitted).error();
  }
  const auto round = call->round;
  calls_.spawn("call", run(call));
  auto final = co_await relay(round, out);
  const bool left = !final.ok() && final.error().code() == Code::Cancelled;
  if (left && call->request.cancel_with_caller()) {
    call->give_up();
  }
  co_return final;
}

// Everything that needs no waiting, in the order of the doc comment: grant, caller, grant against
// request, tool or params.
Result<void> RequestHandler::admit(GrantedCall* call) const {
  const auto now = deps_.clock->unix_ms();
  SLUICE_TRY(call->grant, grant::verify_grant(*deps_.grant_keys, call->request.grant(), now));
  call->grant_verified = true;
  SLUICE_TRY(
      call->claims,
      grant::verify_run_or_caller_token(
          *deps_.token_keys, call->context.caller_token, now, call->context.run.str()
      )
  );
  call->caller_verified = true;
  if (call->context.deadline <= call->received + kReplyReserve) {
    return Error(
        Code::Deadline, "no time is left for this call; nothing was done, allow more time"
    );
  }
  call->server = deps_.pool->find(call->request.server_id());
  if (call->server == nullptr || !call->server->holds_lease()) {
    return Error(
        Code::Unavailable,
        "this replica does not hold that MCP server; list the tools again and retry"
    );
  }
  const bool is_read = mcp::is_read_method(call->request.method());
  if (!is_read && call->request.method() != mcp::kToolsCall) {
    return Error(
        Code::Invalid,
        "that method is not carried out here; send tools/call, resources/read, prompts/get or "
        "completion/complete"
    );
  }
  if (call->request.params().empty()) {
    call->request.set_params("{}");
  }
  auto fits = check_grant(
      call->grant,
      {.server_id = call->request.server_id(),
       .method = call->request.method(),
       .arguments = call->request.params(),
       .tenant = call->claims.tenant(),
       .principal = call->claims.principal(),
       .run_id = call->claims.run_id(),
       .policy_version = deps_.policy->highest(),
       .now_unix_ms = now}
  );
  // A conflict is about the policy's version only.
  call->grant_fits = fits.ok() || fits.error().code() == Code::Conflict;
  SLUICE_CHECK_OK(std::move(fits));
  SLUICE_CHECK_OK(admit_terms(call));
  return is_read ? admit_read(call) : admit_tool(call);
}

// What the server may ask of the caller and say to it.
Result<void> RequestHandler::admit_terms(GrantedCall* call) {
  SLUICE_TRY(
      call->caller.capabilities,
      passed_capabilities(call->request.client_capabilities(), call->server->config().client)
  );
  // Only clients of the modern era declare anything without a session.
  call->caller.ends_when_lacking =
      !call->request.client_capabilities().empty() && call->request.session().empty();
  call->caller.log_level = call->request.log_level();
  if (!call->caller.log_level.empty() && !log_level_of(call->caller.log_level)) {
    return Error(
        Code::Invalid, "log_level is no level of MCP; send one of debug to emergency, or none"
    );
  }
  return {};
}

Result<void> RequestHandler::admit_tool(GrantedCall* call) const {
  if (!call->server->config().allows(call->grant.tool())) {
    return Error(
        Code::Denied,
        "tools_to_execute of this server does not name tool \"" + call->grant.tool() +
            "\"; ask the operator to add it"
    );
  }
  SLUICE_CHECK_OK(check_connected(*call->server));
  call->catalog = call->server->catalog();
  call->tool = call->catalog->find(call->grant.tool());
  if (call->tool == nullptr) {
    return Error(
        Code::NotFound,
        "the MCP server has no tool \"" + call->grant.tool() + "\"; list the tools again"
    );
  }
  SLUICE_CHECK_OK(check_definition(call->grant, call->tool->definition_hash));
  SLUICE_CHECK_OK(call->server->check_arguments(*call->tool, call->request.params()));
  return check_room(*call->server);
}

// The server itself knows what it has: more may be read than it lists.
Result<void> RequestHandler::admit_read(GrantedCall* call) const {
  SLUICE_CHECK_OK(check_connected(*call->server));
  SLUICE_TRY(call->named, named_in(call->request.method(), call->request.params()));
  return check_room(*call->server);
}

Async<void> RequestHandler::run(SharedCall call) {
  auto final = co_await carry_out(call);
  call->end_round(std::move(final));
  co_return Result<void>();
}

Async<connector::v1::Final> RequestHandler::carry_out(SharedCall call) {
  if (auto begun = co_await begin(call); !begun.ok()) {
    if (call->intent_recorded) {  // it may be durable although nobody said so: the trail shall say
                                  // that nothing was sent
      SLUICE_CO_CHECK_OK(co_await deps_.meter->refused(call));
      SLUICE_CO_TRY(const auto recorded, co_await finish(call, not_sent(begun.error())));
    } else {
      SLUICE_CO_CHECK_OK(co_await refuse(call, begun.error()));
    }
    co_return std::move(begun).error();
  }
  CallExchange exchange(
      {.clock = deps_.clock,
       .log = deps_.log,
       .audit = deps_.audit,
       .parked = deps_.parked,
       .is_still_granted = [this](GrantedCall* granted) { return admit_tool(granted).ok(); }},
      call
  );
  auto end = co_await exchange.run();
  deps_.meter->ended(*call, end.ok() ? end.value().outcome : connector::v1::OUTCOME_UNKNOWN);
  if (!end.ok()) {
    co_return std::move(end).error();
  }
  co_return co_await finish(call, std::move(end).value());
}

// Makes the grant used up and the intent known. Nothing is sent unless this answers well.
Async<void> RequestHandler::begin(SharedCall call) {
  call->intent_event_id = crypto::uuid_v7(deps_.clock->unix_ms());
  if (needs_durable_intent(call->grant.effect_class())) {
    SLUICE_CO_CHECK_OK(co_await deps_.meter->claim(call));
    co_return co_await commit_intent(call);
  }
  co_return co_await use_read_grant(call);
}

Async<void> RequestHandler::commit_intent(SharedCall call) {
  audit::v1::Record intent = record_for(*call, "tool.intent");
  intent.set_event_id(call->intent_event_id);
  const auto context = call->context.with_deadline(deps_.clock->now() + kIntentTimeout);
  const auto reply =
      co_await deps_.audit->commit(std::move(intent), call->grant.grant_id(), context);
  if (!reply.ok()) {
    call->intent_recorded = true;
    co_return Error(
        Code::Unavailable,
        "the intent of this call could not be made durable, so nothing was sent; retry later"
    )
        .with_detail(reply.error().to_log());
  }
  if (!reply.value().committed()) {
    co_return Error(
        Code::Conflict,
        "this grant was used before by intent " + reply.value().used_by_event_id() +
            "; ask audit.journal for its outcome instead of calling again"
    );
  }
  call->intent_recorded = true;
  call->grant_used = true;
  co_return Result<void>();
}

Async<void> RequestHandler::use_read_grant(SharedCall call) {
  const auto remember = remembered_for(call->grant, deps_.clock->unix_ms());
  const auto first = co_await deps_.nonces->use(call->grant.grant_id(), remember);
  if (!first.ok()) {
    co_return Error(
        Code::Unavailable,
        "the single use of this grant could not be ensured, so nothing was sent; decide again and "
        "retry"
    )
        .with_detail(first.error().to_log());
  }
  if (!first.value()) {
    co_return Error(
        Code::Conflict, "this grant was used before; decide again and send the new grant"
    );
  }
  call->form_taken = true;
  call->grant_used = true;
  audit::v1::Record intent = record_for(*call, "tool.intent");
  intent.set_event_id(call->intent_event_id);
  const auto recorded = deps_.audit->record(std::move(intent));
  if (!recorded.ok()) {
    co_return Error(
        Code::Unavailable,
        "the intent of this call could not be recorded, so nothing was sent; retry later"
    )
        .with_detail(recorded.error().to_log());
  }
  call->intent_recorded = true;
  if (const auto written = co_await deps_.audit->written(); !written.ok()) {
    co_return Error(
        Code::Unavailable,
        "the intent of this call could not be written, so nothing was sent; retry later"
    )
        .with_detail(written.error().to_log());
  }
  co_return Result<void>();
}

Async<connector::v1::Final> RequestHandler::finish(SharedCall call, CallEnd end) {
  const TimePoint now = deps_.clock->now();
  const std::string& bytes = end.answer.error.empty() ? end.answer.result : end.answer.error;
  audit::v1::Record record = record_for(*call, "tool.outcome");
  record.set_hop(++call->hop);
  record.set_outcome(audit_outcome(end.outcome));
  record.set_error_code(end.error_code);
  record.set_detail(end.detail);
  record.set_latency_us(microseconds(now - call->received));
  if (!bytes.empty()) {
    record.set_result_digest(crypto::sha256(bytes));
  }
  if (needs_durable_intent(call->grant.effect_class()) && bytes.size() <= kKeptResultBytesMax) {
    record.set_body(bytes);
  } else if (!bytes.empty()) {
    record.set_body_truncated(true);
  }
  connector::v1::Final final;
  final.set_outcome(end.outcome);
  final.set_is_error(end.is_error);
  final.set_intent_event_id(call->intent_event_id);
  final.set_latency_us(microseconds(now - call->received));
  if (end.outcome == connector::v1::OUTCOME_DONE || !end.answer.error.empty()) {
    final.set_result(std::move(end.answer.result));
    final.set_error(std::move(end.answer.error));
  } else {
    final.set_error(
        mcp::to_json(mcp::RpcError{.code = end.rpc_code, .message = end.detail, .data = {}})
    );
  }
  deps_.metrics
      ->counter(
          "sluice_connector_calls_total",
          "calls let through, by outcome",
          {{"outcome", std::string(outcome_label(end.outcome))}}
      )
      .add();
  deps_.metrics
      ->histogram(
          "sluice_connector_call_duration_seconds", "time from request to outcome", kSecondsBounds
      )
      .observe(std::chrono::duration<double>(now - call->received).count());
  auto recorded = deps_.audit->record(std::move(record));
  const auto written =
      recorded.ok() ? co_await deps_.audit->written() : Result<void>(std::move(recorded).error());
  if (!written.ok()) {
    deps_.log->error(
        "outcome-not-recorded",
        {{"intent", call->intent_event_id}, {"error", written.error().to_log()}}
    );
    co_return Error(
        Code::Unavailable,
        "the outcome of this call could not be recorded; the trail holds its intent " +
            call->intent_event_id + ", ask audit.journal before calling again"
    );
  }
  co_return final;
}

// Leaves the refusal in the trail. What could not be verified is recorded as claimed, and marked
// so.
Async<void> RequestHandler::refuse(SharedCall call, Error why) {
  SLUICE_CO_CHECK_OK(co_await deps_.meter->refused(call));
  deps_.metrics
      ->counter(
          "sluice_connector_refusals_total",
          "requests refused, by code",
          {{"code", std::string(sluice::name_of(why.code()))}}
      )
      .add();
  deps_.log->info(
      "request-refused",
      {{"server", call->request.server_id()},
       {"request", call->context.request.str()},
       {"error", why.to_log()}}
  );
  audit::v1::Record record = record_for(*call, "tool.refused");
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_error_code(std::string(sluice::name_of(why.code())));
  record.set_reason(why.message());
  if (!call->caller_verified) {
    record.set_detail(
        call->grant_verified ? "caller not verified" : "neither grant nor caller verified"
    );
  }
  auto recorded = deps_.audit->record(std::move(record));
  const auto written =
      recorded.ok() ? co_await deps_.audit->written() : Result<void>(std::move(recorded).error());
  if (!written.ok()) {
    deps_.log->error("refusal-not-recorded", {{"error", written.error().to_log()}});
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
