#include "services/codemode-sandbox/handlers/run.h"

#include "services/codemode-sandbox/domain/run_trail.h"
#include "services/codemode-sandbox/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/grant/outcome_name.h"

#include <cstring>
#include <string>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kRunIdRandomBytes = 16;

std::chrono::milliseconds milliseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

Result<void> check(const codemode::v1::RunRequest& request) {
  if (request.source().empty() || request.source().size() > kSourceBytesMax) {
    return Error(
        Code::Invalid,
        "the script is empty or too long; send 1 to " + std::to_string(kSourceBytesMax) + " bytes"
    );
  }
  if (!is_utf8(request.source())) {
    return Error(Code::Invalid, "the script is not UTF-8; send text");
  }
  if (request.tool_call_id().size() > kToolCallIdBytesMax ||
      request.filter().servers_size() > kFilterEntriesMax ||
      request.filter().tools_size() > kFilterEntriesMax) {
    return Error(Code::Invalid, "the tool call id or the filter is too long; send a shorter one");
  }
  return {};
}

// Executing a script again under its tool call id gives it the same random numbers.
std::uint64_t seed_of(const RunScope& scope) {
  if (scope.tool_call_id.empty()) {
    return crypto::random_u64();
  }
  crypto::Sha256 digest;
  digest.field("script-seed-v1")
      .field(scope.caller.tenant())
      .field(scope.caller.principal())
      .field(scope.context.chain.str())
      .field(scope.tool_call_id)
      .field(scope.source_digest);
  const std::string bytes = digest.finish();
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof(seed));
  return seed;
}

}  // namespace

RunHandler::RunHandler(Deps deps)
    : deps_(std::move(deps)),
      calls_(deps_.executor, [log = deps_.log](std::string_view name, const Error& error) {
        log->error("call-task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {}

Async<void> RunHandler::close() {
  co_return co_await calls_.close();
}

void RunHandler::cancel(std::string_view run_id, std::string_view by) {
  const auto found = under_way_.find(run_id);
  if (found == under_way_.end() || found->second->script == nullptr) {
    return;
  }
  codemode::v1::ScriptError error;
  error.set_message("cancelled by " + std::string(by));
  error.set_hint("what its calls did is in the audit trail");
  found->second->script->stop(codemode::v1::OUTCOME_CANCELLED, std::move(error));
}

Async<codemode::v1::RunFinal> RunHandler::operator()(
    codemode::v1::RunRequest request, ConsoleWriter* console, RequestContext context
) {
  SLUICE_CO_TRY(const RunScopePtr scope, co_await admit(std::move(request), std::move(context)));
  SLUICE_CO_TRY([[maybe_unused]] const std::string event, deps_.audit->record(run_started(*scope)));
  deps_.list->started(*scope, deps_.clock->unix_ms());
  announce(*scope, "running");
  std::uint32_t calls = 0;
  under_way_.emplace(scope->context.run.str(), scope.get());
  auto final = co_await run(scope, console, &calls);
  under_way_.erase(scope->context.run.str());
  scope->script.reset();
  if (final.ok()) {
    co_return co_await finish(scope, std::move(final).value());
  }
  abandon(*scope, calls, final.error());
  co_return final;
}

Async<RunScopePtr> RunHandler::admit(codemode::v1::RunRequest request, RequestContext context) {
  auto scope = std::make_shared<RunScope>();
  SLUICE_CO_TRY(scope->caller, deps_.callers->verify(context));
  SLUICE_CO_CHECK_OK(check(request));
  if (deps_.audit->full()) {
    co_return Error(Code::Unavailable, "the audit outbox is full; nothing was run, retry later");
  }
  context.run = RunId("run_" + to_hex(crypto::random_bytes(kRunIdRandomBytes)));
  scope->context = std::move(context);
  scope->tool_call_id = std::move(*request.mutable_tool_call_id());
  scope->source = std::move(*request.mutable_source());
  scope->source_digest = crypto::sha256(scope->source);
  scope->filter = std::move(*request.mutable_filter());
  scope->mode = request.unattended() ? policy::v1::MODE_AGENT_CODE : policy::v1::MODE_CODE;
  SLUICE_CO_TRY(scope->tools, co_await deps_.apis->of(scope->filter, scope->context));
  co_return RunScopePtr(std::move(scope));
}

Result<std::unique_ptr<Script>> RunHandler::start(const RunScope& scope) {
  const TimePoint now = deps_.clock->now();
  const auto left = milliseconds_of(scope.context.deadline - now) - kAnswerReserve;
  if (left.count() <= 0) {
    return Error(Code::Deadline, "no time is left for a script; nothing was run, allow more time");
  }
  runner::Run message;
  message.set_run_id(scope.context.run.str());
  message.set_source(scope.source);
  scope.tools->add_to(&message);
  deps_.limits.put_into(message.mutable_limits(), left);
  message.set_seed(seed_of(scope));
  message.set_clock_unix_ms(deps_.clock->unix_ms());
  return deps_.runners->start(std::move(message), scope.context.deadline);
}

Async<codemode::v1::RunFinal> RunHandler::run(
    RunScopePtr scope, ConsoleWriter* console, std::uint32_t* calls
) {
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  const TimePoint began = deps_.clock->now();
  SLUICE_CO_TRY(scope->script, start(*scope));
  const auto permits = std::make_shared<async::Semaphore>(kCallsAtOnceMax);
  for (;;) {  // ends with the script, which has a deadline
    SLUICE_CO_TRY(ScriptEvent event, co_await scope->script->next());
    if (auto* const call = std::get_if<runner::ToolCall>(&event); call != nullptr) {
      ++*calls;
      ScriptCall prepared = ToolCaller::prepare(scope.get(), std::move(*call));
      calls_.spawn("call", serve_call(scope, permits, std::move(prepared)));
    } else if (auto* const line = std::get_if<runner::Console>(&event); line != nullptr) {
      codemode::v1::RunProgress progress;
      progress.set_console(std::move(*line->mutable_text()));
      progress.set_level(std::move(*line->mutable_level()));
      deps_.list->wrote(scope->context.run.str(), progress);
      SLUICE_CO_CHECK_OK(co_await console->write(std::move(progress)));
    } else if (auto* const checked = std::get_if<runner::Checked>(&event); checked != nullptr) {
      SLUICE_CO_CHECK_OK(co_await review(scope.get(), &checked->check()));
    } else {
      auto& finished = std::get<runner::Finished>(event);
      co_return final_of(*scope, std::move(finished), deps_.clock->now() - began);
    }
  }
}

Async<void> RunHandler::review(RunScope* scope, const codemode::v1::Check* check) {
  if (scope->reviewed) {  // on another runner; the first call set holds
    scope->script->proceed();
    co_return Result<void>();
  }
  const auto left = milliseconds_of(scope->context.deadline - deps_.clock->now());
  SLUICE_CO_TRY(ReviewEnd end, co_await deps_.review->review(scope, check, left));
  scope->check = *check;
  scope->call_set = std::move(end.call_set);
  deps_.list->checked(scope->context.run.str(), scope->check, scope->call_set);
  if (end.outcome != codemode::v1::OUTCOME_OK) {
    scope->script->stop(end.outcome, std::move(end.error));
    co_return Result<void>();
  }
  scope->reviewed = true;
  scope->context.caller_token = std::move(end.run_token);
  scope->script->proceed();
  co_return Result<void>();
}

codemode::v1::RunFinal RunHandler::final_of(
    RunScope& scope, runner::Finished finished, Duration took
) {
  deps_.list->used(scope.context.run.str(), finished);
  codemode::v1::RunFinal final;
  if (finished.has_check()) {
    scope.check = std::move(*finished.mutable_check());
    deps_.list->checked(scope.context.run.str(), scope.check, scope.call_set);
  }
  final.set_value(std::move(*finished.mutable_value()));
  final.set_outcome(finished.outcome());
  if (finished.has_error()) {
    *final.mutable_error() = std::move(*finished.mutable_error());
  }
  final.set_run_id(scope.context.run.str());
  final.set_calls(finished.calls());
  final.set_console_bytes_dropped(finished.console_bytes_dropped());
  final.set_duration_ms(static_cast<std::uint32_t>(milliseconds_of(took).count()));
  final.set_hop(scope.hop_of_call(finished.calls() + 1));
  *final.mutable_check() = scope.check;
  final.mutable_call_set()->Assign(scope.call_set.begin(), scope.call_set.end());
  final.set_approval_id(scope.approval_id);
  return final;
}

// Goes on when the run has ended: what was let through has its outcome in the trail.
Async<void> RunHandler::serve_call(RunScopePtr scope, Permits permits, ScriptCall call) {
  SLUICE_CO_TRY(const auto permit, co_await permits->acquire());
  if (scope->script == nullptr) {
    co_return Result<void>();  // it ended before this call's turn: nothing is done
  }
  const Parking::Call under_way(&scope->parking, &scope->script);
  SLUICE_CO_TRY(runner::CallResult result, co_await deps_.tools->call(scope, std::move(call)));
  if (scope->script != nullptr) {
    scope->script->answer(std::move(result));
  }
  co_return Result<void>();
}

Async<codemode::v1::RunFinal> RunHandler::finish(RunScopePtr scope, codemode::v1::RunFinal final) {
  deps_.list->finished(final.run_id(), final);
  SLUICE_CO_TRY(
      [[maybe_unused]] const std::string event, deps_.audit->record(run_finished(*scope, final))
  );
  const std::string outcome = name_of(final.outcome());
  announce(*scope, outcome);
  count(outcome, final.duration_ms() / 1e3);
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return final;
}

void RunHandler::abandon(const RunScope& scope, std::uint32_t calls, const Error& error) {
  deps_.list->abandoned(scope.context.run.str(), calls, error);
  if (const auto left = deps_.audit->record(run_abandoned(scope, calls, error)); !left.ok()) {
    deps_.log->error(
        "run-end-not-recorded", {{"run", scope.context.run.str()}, {"error", left.error().to_log()}}
    );
  }
  announce(scope, "abandoned");
  count("abandoned", 0);
}

void RunHandler::announce(const RunScope& scope, std::string state) {
  codemode::v1::RunChanged event;
  event.set_run_id(scope.context.run.str());
  event.set_state(std::move(state));
  event.set_tenant(scope.caller.tenant());
  event.set_principal(scope.caller.principal());
  deps_.announcer->run_changed(event);
}

void RunHandler::count(const std::string& outcome, double seconds) {
  deps_.metrics
      ->counter("sluice_codemode_runs_total", "Scripts run, by outcome.", {{"outcome", outcome}})
      .add();
  deps_.metrics
      ->histogram(
          "sluice_codemode_run_duration_seconds",
          "Time from a script's hand-over to its end.",
          {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
      )
      .observe(seconds);
}

}  // namespace sluice::codemode_sandbox
