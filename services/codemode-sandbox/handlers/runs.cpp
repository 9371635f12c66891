#include "services/codemode-sandbox/handlers/runs.h"

#include "services/codemode-sandbox/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {
namespace {

bool is_admin(const policy::v1::CallerClaims& claims) {
  return std::find(claims.roles().begin(), claims.roles().end(), "admin") != claims.roles().end();
}

Error not_found() {
  return Error(
      Code::NotFound, "there is no such run of the last day that you may see: list the runs"
  );
}

Error unreachable(const Error& error) {
  return Error(
             Code::Unavailable,
             "runs are kept in Redis, which does not answer: try again in a few seconds; what they "
             "did is in the audit trail too"
  )
      .with_detail(error.to_log())
      .with_retry_after(std::chrono::seconds(1));
}

bool has_ended(const json::Value& run) {
  return run.find("ended_unix_ms") != nullptr;
}

std::int64_t number_of(const json::Value& run, std::string_view key) {
  const json::Value* const number = run.find(key);
  return number != nullptr ? number->as_int().value_or(0) : 0;
}

// A run goes on as long as somebody says so.
bool is_lost(const json::Value& run, std::int64_t now_unix_ms) {
  return !has_ended(run) && now_unix_ms - number_of(run, "updated_unix_ms") > kRunLostAfterMs;
}

// Of what this service has written.
Result<json::Value> read(std::string_view text, std::int64_t now_unix_ms) {
  auto run = json::parse(text);
  if (!run.ok() || !run.value().is_object()) {
    return Error(Code::Internal, "the document of a run cannot be read; report this")
        .with_detail(run.ok() ? "no object" : run.error().to_log());
  }
  if (is_lost(run.value(), now_unix_ms)) {
    run.value().as_object()->set("state", "lost");
  }
  return run;
}

audit::v1::Record cancel_record(
    const policy::v1::CallerClaims& caller, const json::Value& run, const RequestContext& context
) {
  audit::v1::Record record = audit::record_of(context, "run.cancel");
  record.set_tenant(caller.tenant());
  record.set_principal(caller.principal());
  record.set_agent(caller.agent());
  record.set_key_id(caller.key_id());
  record.set_chain_id(run.text_or("chain_id", ""));
  record.set_run_id(run.text_or("run_id", ""));
  record.set_tool("executeToolCode");
  record.set_tool_call_id(run.text_or("tool_call_id", ""));
  record.set_detail("asks for the end of a run of " + run.text_or("principal", ""));
  return record;
}

}  // namespace

Async<codemode::v1::RunsReply> RunsHandler::operator()(
    codemode::v1::RunsRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const policy::v1::CallerClaims caller, deps_.callers->verify(context));
  codemode::v1::RunsReply reply;
  switch (request.operation_case()) {
    case codemode::v1::RunsRequest::kList: {
      SLUICE_CO_TRY(*reply.mutable_runs(), co_await list(&caller, request.list().limit()));
      co_return reply;
    }
    case codemode::v1::RunsRequest::kGet: {
      SLUICE_CO_TRY(
          [[maybe_unused]] const json::Value run, co_await visible(&caller, request.get().run_id())
      );
      SLUICE_CO_TRY(*reply.mutable_runs(), co_await document(request.get().run_id()));
      co_return reply;
    }
    case codemode::v1::RunsRequest::kCancel: {
      SLUICE_CO_TRY(
          *reply.mutable_runs(), co_await cancel(&caller, request.cancel().run_id(), &context)
      );
      co_return reply;
    }
    case codemode::v1::RunsRequest::OPERATION_NOT_SET:
      break;
  }
  co_return Error(Code::Invalid, "the request asks for nothing: send list, get or cancel");
}

Async<std::string> RunsHandler::list(const policy::v1::CallerClaims* caller, std::uint32_t limit) {
  if (limit > kRunsPageMax) {
    co_return Error(
        Code::Invalid, "at most " + std::to_string(kRunsPageMax) + " runs are listed: ask for fewer"
    );
  }
  const auto found = co_await deps_.store->newest(
      caller->tenant(),
      is_admin(*caller) ? std::string() : caller->principal(),
      limit == 0 ? kRunsPageDefault : limit
  );
  if (!found.ok()) {
    co_return unreachable(found.error());
  }
  json::Array runs;
  for (const std::string& text : found.value()) {
    SLUICE_CO_TRY(json::Value run, read(text, deps_.clock->unix_ms()));
    runs.push_back(std::move(run));
  }
  co_return json::write(json::Value(std::move(runs)));
}

Async<std::optional<json::Value>> RunsHandler::summary(std::string run_id) {
  const std::int64_t now = deps_.clock->unix_ms();
  if (const RunDocument* const here = deps_.list->find(run_id); here != nullptr) {
    SLUICE_CO_TRY(json::Value run, read(here->summary(now), now));
    co_return std::optional(std::move(run));
  }
  const auto text = co_await deps_.store->summary(std::move(run_id));
  if (!text.ok()) {
    co_return unreachable(text.error());
  }
  if (!text.value()) {
    co_return std::optional<json::Value>();
  }
  SLUICE_CO_TRY(json::Value run, read(*text.value(), now));
  co_return std::optional(std::move(run));
}

Async<json::Value> RunsHandler::visible(
    const policy::v1::CallerClaims* caller, std::string run_id
) {
  if (run_id.empty() || run_id.size() > kRunIdBytesMax) {
    co_return not_found();
  }
  SLUICE_CO_TRY(auto run, co_await summary(std::move(run_id)));
  const bool may_see = run && run->text_or("tenant", "") == caller->tenant() &&
                       (is_admin(*caller) || run->text_or("principal", "") == caller->principal());
  if (!may_see) {
    co_return not_found();
  }
  co_return *std::move(run);
}

Async<std::string> RunsHandler::document(std::string run_id) {
  const std::int64_t now = deps_.clock->unix_ms();
  if (const RunDocument* const here = deps_.list->find(run_id); here != nullptr) {
    co_return here->json(now);
  }
  auto text = co_await deps_.store->document(std::move(run_id));
  if (!text.ok()) {
    co_return unreachable(text.error());
  }
  if (!text.value()) {
    co_return not_found();  // it has just been a day
  }
  SLUICE_CO_TRY(const json::Value run, read(*text.value(), now));
  co_return run.text_or("state", "") == "lost" ? json::write(run) : *std::move(text).value();
}

Async<std::string> RunsHandler::cancel(
    const policy::v1::CallerClaims* caller, std::string run_id, const RequestContext* context
) {
  SLUICE_CO_TRY(const json::Value run, co_await visible(caller, run_id));
  const std::string state = run.text_or("state", "");
  if (has_ended(run) || state == "lost") {
    co_return Error(
        Code::Conflict, "the run has ended already, with the outcome " + state + ": look at it"
    );
  }
  SLUICE_CO_TRY(
      [[maybe_unused]] const std::string event,
      deps_.audit->record(cancel_record(*caller, run, *context))
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  codemode::v1::RunCancelled cancelled;
  cancelled.set_run_id(run_id);
  cancelled.set_by(caller->principal());
  SLUICE_CO_CHECK_OK(deps_.canceller->cancel(cancelled));
  SLUICE_CO_CHECK_OK(co_await wait_for_end(
      run_id, std::min<TimePoint>(context->deadline, deps_.clock->now() + kCancelWait)
  ));
  co_return co_await document(run_id);
}

Async<void> RunsHandler::wait_for_end(std::string run_id, TimePoint deadline) {
  while (deps_.clock->now() + kCancelLook < deadline) {
    SLUICE_CO_TRY(const auto run, co_await summary(run_id));
    if (!run || has_ended(*run)) {
      break;
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kCancelLook));
  }
  co_return Result<void>();
}

}  // namespace sluice::codemode_sandbox
