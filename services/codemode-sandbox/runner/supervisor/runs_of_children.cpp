// Runs, from the first message of a child to the end of its run.
#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/message_check.h"
#include "services/codemode-sandbox/runner/supervisor/run_entry.h"
#include "services/codemode-sandbox/runner/supervisor/runs.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

namespace sluice::codemode_runner {
namespace {

using codemode::v1::Outcome;

wire::Finished too_much_for_the_compiler(const std::string& what) {
  return not_finished(
      codemode::v1::OUTCOME_TYPE_ERROR,
      "checking the script" + what,
      "make the script shorter, its types simpler and its expressions less nested"
  );
}

}  // namespace

void Runs::from_child(ChildId child, wire::FromChild message, TimePoint now) {
  Run* run = of_child(child);
  if (run == nullptr || run->phase == Phase::Ending) {
    return;  // killed already
  }
  const bool executing = run->phase == Phase::Executing;
  if (!executing && message.has_compiled()) {
    compiled(*run, std::move(*message.mutable_compiled()), now);
  } else if (executing && message.has_call()) {
    called(*run, std::move(*message.mutable_call()), now);
  } else if (executing && message.has_console()) {
    wrote(*run, std::move(*message.mutable_console()), now);
  } else if (executing && message.has_finished()) {
    finished(*run, std::move(*message.mutable_finished()), now);
  } else {
    child_broke(child, "it sent a message of another kind of child", now);
  }
}

void Runs::compiled(Run& run, wire::Compiled compiled, TimePoint now) {
  if (const std::string_view fault = fault_of(compiled); !fault.empty()) {
    child_broke(run.child, fault, now);
    return;
  }
  run.compile_us = microseconds_between(run.began, now);
  by_child_.erase(run.child);
  deps_.children->kill(run.child);  // it has nothing more to say
  if (compiled.has_error()) {
    run.outcome.emplace();
    run.outcome->set_outcome(codemode::v1::OUTCOME_TYPE_ERROR);
    *run.outcome->mutable_error() = std::move(*compiled.mutable_error());
    *run.outcome->mutable_check() = std::move(*compiled.mutable_check());
    run.child = 0;
    report(run, std::nullopt);
    return;
  }
  const CompiledScript script{
      .javascript = std::move(*compiled.mutable_javascript()),
      .check = std::move(*compiled.mutable_check()),
  };
  cache_.insert(run.digest, script);
  await_proceed(run, script, Cached::No, now);
}

void Runs::called(Run& run, wire::ToolCall call, TimePoint now) {
  if (const std::string_view fault = run.check.fault_of(call); !fault.empty()) {
    child_broke(run.child, fault, now);
    return;
  }
  run.open_calls.insert(call.call_id());
  wire::ToService message;
  *message.mutable_call() = std::move(call);
  message.mutable_call()->set_run_id(run.id());
  send(run, message);
}

void Runs::wrote(Run& run, wire::Console line, TimePoint now) {
  if (const std::string_view fault = run.check.fault_of(line); !fault.empty()) {
    child_broke(run.child, fault, now);
    return;
  }
  wire::ToService message;
  *message.mutable_console() = std::move(line);
  message.mutable_console()->set_run_id(run.id());
  send(run, message);
}

void Runs::finished(Run& run, wire::Finished finished, TimePoint now) {
  if (const std::string_view fault = run.check.fault_of(finished); !fault.empty()) {
    child_broke(run.child, fault, now);
    return;
  }
  run.outcome = std::move(finished);
  end(run, now);
}

void Runs::child_broke(ChildId child, std::string_view why, TimePoint now) {
  Run* run = of_child(child);
  if (run == nullptr) {
    deps_.children->kill(child);
    return;
  }
  deps_.log->warn("child-out-of-bounds", {{"run", run->id()}, {"why", why}});
  fail(*run, codemode::v1::OUTCOME_KILLED, why, now);
}

void Runs::child_ended(ChildId child, std::optional<ChildUsage> usage, TimePoint now) {
  Run* run = of_child(child);
  if (run == nullptr) {
    return;
  }
  if (usage && is_jail_violation(usage->wait_status)) {
    deps_.log->error("jail-violation", {{"run", run->id()}, {"child", child}});
  }
  if (run->phase != Phase::Ending) {
    run->wall_us = microseconds_between(run->began, run->parked ? run->parked_at : now);
  }
  by_child_.erase(child);
  run->child = 0;
  if (run->phase == Phase::Compiling && !usage && !std::exchange(run->recompiled, true)) {
    await_child(*run, ChildKind::Compiler, now);  // it has not begun
    return;
  }
  if (run->phase == Phase::Compiling && usage && !is_jail_violation(usage->wait_status)) {
    run->outcome = too_much_for_the_compiler(" takes more time or memory than it may");
  }
  report(*run, usage);
}

// --- ends

void Runs::fail(Run& run, Outcome outcome, std::string_view why, TimePoint now) {
  if (run.phase == Phase::Ending) {
    return;
  }
  run.outcome = not_finished(
      outcome,
      "the script was ended: " + std::string(why),
      outcome == codemode::v1::OUTCOME_MEMORY ? "work on less at a time"
                                              : "report it if the script is an ordinary one"
  );
  end(run, now);
}

// The child is killed also when it has finished: it has nothing more to say.
void Runs::end(Run& run, TimePoint now) {
  if (run.phase == Phase::Ending) {
    return;
  }
  run.wall_us = microseconds_between(run.began, run.parked ? run.parked_at : now);
  run.phase = Phase::Ending;
  run.deadline = now + kReapTimeout;
  deps_.children->kill(run.child);
}

void Runs::overdue(Run& run, TimePoint now) {
  switch (run.phase) {
    case Phase::AwaitsCompiler:
    case Phase::AwaitsExecutor: {
      const std::string id = run.id();
      refuse(run.service, id, "no child process became ready in time");
      erase(run);
      break;
    }
    case Phase::Compiling:
      run.overdue = true;
      run.outcome = too_much_for_the_compiler(" took more than 2 s");
      end(run, now);
      break;
    case Phase::AwaitsProceed:
      run.outcome = not_finished(
          codemode::v1::OUTCOME_KILLED,
          "the service did not say proceed",
          "nothing was run: run the script again, and report it if this repeats"
      );
      report(run, std::nullopt);
      break;
    case Phase::Executing:
      run.overdue = true;
      if (run.parked) {
        run.outcome = not_finished(
            codemode::v1::OUTCOME_TIMEOUT,
            "the script waited for people for more than 10 minutes",
            "calls made before may have had their effect: look before you run it again"
        );
      }
      end(run, now);
      break;
    case Phase::Ending:
      deps_.log->warn("child-not-reaped", {{"run", run.id()}, {"child", run.child}});
      by_child_.erase(run.child);
      run.child = 0;
      report(run, std::nullopt);
      break;
  }
}

void Runs::report(Run& run, const std::optional<ChildUsage>& usage) {
  if (run.silent) {
    erase(run);
    return;
  }
  const ChildUsage known = usage.value_or(ChildUsage{.wait_status = SIGKILL});
  wire::Finished finished = run.outcome ? std::move(*run.outcome)
                                        : outcome_of({
                                              .wait_status = known.wait_status,
                                              .deadline_passed = run.overdue,
                                              .calls = run.check.calls(),
                                              .user_us = known.user_us,
                                              .system_us = known.system_us,
                                              .memory_peak_kib = known.memory_peak_kib,
                                          });
  finished.set_run_id(run.id());
  finished.set_calls(run.check.calls());
  finished.set_compile_us(run.compile_us);
  finished.set_wall_us(run.executed ? run.wall_us : 0);
  finished.set_start_us(std::min(finished.start_us(), finished.wall_us()));
  if (usage && run.executed) {
    finished.set_cpu_us(static_cast<std::uint32_t>(usage->user_us + usage->system_us));
    finished.set_memory_peak_kib(usage->memory_peak_kib);
  }
  wire::ToService message;
  *message.mutable_finished() = std::move(finished);
  static_cast<void>(deps_.services->send(run.service, message));
  erase(run);
}

void Runs::send(Run& run, const wire::ToService& message) {
  if (run.silent) {
    return;
  }
  if (deps_.services->send(run.service, message) == Services::Pace::Lags && !run.lagging) {
    run.lagging = true;
    deps_.children->read(run.child, false);
  }
}

}  // namespace sluice::codemode_runner
