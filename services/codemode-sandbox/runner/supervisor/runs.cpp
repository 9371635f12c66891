#include "services/codemode-sandbox/runner/supervisor/runs.h"

#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/message_check.h"

#include "common/crypto/sha256.h"

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

namespace sluice::codemode_runner {
namespace {

using codemode::v1::Outcome;

enum class Phase { AwaitsCompiler, Compiling, AwaitsExecutor, Executing, Ending };

std::uint32_t microseconds_between(TimePoint from, TimePoint to) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count()
  );
}

wire::Finished not_finished(Outcome outcome, std::string_view why, std::string_view hint) {
  wire::Finished finished;
  finished.set_outcome(outcome);
  finished.mutable_error()->set_message(std::string(why));
  finished.mutable_error()->set_hint(std::string(hint));
  return finished;
}

}  // namespace

struct Runs::Run {
  Run(ServiceId service_id, wire::Run run)
      : service(service_id), request(std::move(run)), check(request.limits()) {}

  [[nodiscard]] const std::string& id() const { return request.run_id(); }

  ServiceId service;
  wire::Run request;   // its source is dropped once it is compiled
  std::string digest;  // of the source
  std::string javascript;
  Phase phase = Phase::AwaitsCompiler;
  ChildId child = 0;        // 0: none
  TimePoint deadline;       // of the phase
  TimePoint began;          // Compile or Start was sent
  bool recompiled = false;  // the zygote of its first compiler died
  bool executed = false;    // Start was sent
  bool overdue = false;     // killed because its time was over
  bool silent = false;      // nobody waits for it any more
  bool lagging = false;     // its child is not read, because the service lags
  std::uint32_t compile_us = 0;
  std::uint32_t wall_us = 0;
  ExecutorCheck check;
  std::set<std::uint32_t> open_calls;
  std::optional<wire::Finished> outcome;  // known before the child's end
};

Runs::Runs(const Deps& deps) : deps_(deps), cache_(kCacheEntriesMax, kCacheBytesMax) {}

Runs::~Runs() = default;

std::uint32_t Runs::free_slots() const {
  const auto used = static_cast<std::uint32_t>(runs_.size());
  return draining_ || used >= deps_.slots ? 0 : deps_.slots - used;
}

// --- from services

void Runs::from_service(ServiceId service, wire::ToRunner message, TimePoint now) {
  switch (message.message_case()) {
    case wire::ToRunner::kRun:
      admit(service, std::move(*message.mutable_run()), now);
      break;
    case wire::ToRunner::kResult:
      deliver(service, std::move(*message.mutable_result()), now);
      break;
    case wire::ToRunner::kCancel:
      if (Run* run = find(service, message.cancel().run_id()); run != nullptr) {
        cancel(*run, now);
      }
      break;
    case wire::ToRunner::kBeat:
    case wire::ToRunner::MESSAGE_NOT_SET:
      break;
  }
}

void Runs::admit(ServiceId service, wire::Run request, TimePoint now) {
  if (find(service, request.run_id()) != nullptr) {
    deps_.log->warn("run-repeated", {{"run", request.run_id()}});
    return;
  }
  if (free_slots() == 0) {
    refuse(service, request.run_id(), draining_ ? "the runner is stopping" : "no slot is free");
    return;
  }
  const std::string_view fault = fault_of(request);
  auto owned = std::make_unique<Run>(service, std::move(request));
  Run& run = *owned;
  runs_.emplace(Key(service, run.id()), std::move(owned));
  if (!fault.empty()) {  // another runner would say the same
    run.outcome = not_finished(codemode::v1::OUTCOME_KILLED, fault, "send a run within the bounds");
    report(run, std::nullopt);
    return;
  }
  run.digest = crypto::sha256(run.request.source());
  if (const std::string* javascript = cache_.find(run.digest); javascript != nullptr) {
    run.javascript = *javascript;
    run.request.clear_source();
    await_child(run, ChildKind::Executor, now);
  } else {
    await_child(run, ChildKind::Compiler, now);
  }
}

void Runs::refuse(ServiceId service, const std::string& run_id, const std::string& reason) {
  wire::ToService message;
  message.mutable_refused()->set_run_id(run_id);
  message.mutable_refused()->set_reason(reason);
  static_cast<void>(deps_.services->send(service, message));
}

void Runs::deliver(ServiceId service, wire::CallResult result, TimePoint now) {
  Run* run = find(service, result.run_id());
  if (run == nullptr || run->phase != Phase::Executing ||
      run->open_calls.erase(result.call_id()) == 0) {
    return;  // the run ended in the meantime, or this call was answered before
  }
  if (result.has_value() && result.value().size() > kValueBytesMax) {
    result.mutable_error()->set_code("Exhausted");
    result.mutable_error()->set_message("the tool's result is larger than 4 MiB");
  }
  result.clear_run_id();
  wire::ToChild message;
  *message.mutable_result() = std::move(result);
  if (!deps_.children->send(run->child, message)) {
    fail(*run, codemode::v1::OUTCOME_MEMORY, "more results wait than the script may hold", now);
  }
}

void Runs::service_lost(ServiceId service, TimePoint now) {
  std::vector<Run*> lost;
  for (const auto& [key, run] : runs_) {
    if (key.first == service) {
      lost.push_back(run.get());
    }
  }
  for (Run* run : lost) {
    cancel(*run, now);
  }
}

void Runs::service_writable(ServiceId service) {
  for (const auto& [key, run] : runs_) {
    if (key.first == service && run->lagging) {
      run->lagging = false;
      deps_.children->read(run->child, true);
    }
  }
}

void Runs::cancel(Run& run, TimePoint now) {
  run.silent = true;
  if (run.child == 0) {
    erase(run);
  } else {
    end(run, now);
  }
}

// --- waiting for a child

void Runs::await_child(Run& run, ChildKind kind, TimePoint now) {
  const bool compiler = kind == ChildKind::Compiler;
  run.phase = compiler ? Phase::AwaitsCompiler : Phase::AwaitsExecutor;
  run.child = 0;
  run.deadline = now + kChildWaitMax;
  std::deque<Run*>& queue = compiler ? waiting_for_compiler_ : waiting_for_executor_;
  if (!queue.empty() || !start_with_child(run, kind, now)) {
    queue.push_back(&run);
    deps_.children->set_waiting(kind, queue.size());
  }
}

bool Runs::start_with_child(Run& run, ChildKind kind, TimePoint now) {
  const std::optional<ChildId> child = deps_.children->take(kind);
  if (!child) {
    return false;
  }
  run.child = *child;
  by_child_.emplace(*child, &run);
  run.began = now;
  if (kind == ChildKind::Compiler) {
    compile(run, now);
  } else {
    execute(run, now);
  }
  return true;
}

void Runs::child_idle(ChildKind kind, TimePoint now) {
  std::deque<Run*>& queue =
      kind == ChildKind::Compiler ? waiting_for_compiler_ : waiting_for_executor_;
  while (!queue.empty() && start_with_child(*queue.front(), kind, now)) {
    queue.pop_front();
  }
  deps_.children->set_waiting(kind, queue.size());
}

void Runs::withdraw(const Run& run) {
  for (const ChildKind kind : {ChildKind::Compiler, ChildKind::Executor}) {
    std::deque<Run*>& queue =
        kind == ChildKind::Compiler ? waiting_for_compiler_ : waiting_for_executor_;
    if (std::erase(queue, &run) != 0) {
      deps_.children->set_waiting(kind, queue.size());
    }
  }
}

void Runs::compile(Run& run, TimePoint now) {
  run.phase = Phase::Compiling;
  run.deadline = now + kCompileTimeout;
  wire::ToChild message;
  message.mutable_compile()->set_source(run.request.source());
  static_cast<void>(deps_.children->send(run.child, message));  // one message fits in any case
}

void Runs::execute(Run& run, TimePoint now) {
  run.phase = Phase::Executing;
  run.executed = true;
  run.deadline = now + std::chrono::milliseconds(run.request.limits().wall_ms()) + kKillAfter;
  wire::ToChild message;
  wire::Start& start = *message.mutable_start();
  start.set_javascript(std::move(run.javascript));
  *start.mutable_namespaces() = run.request.namespaces();
  *start.mutable_limits() = run.request.limits();
  start.set_seed(run.request.seed());
  start.set_clock_unix_ms(run.request.clock_unix_ms());
  static_cast<void>(deps_.children->send(run.child, message));
}

// --- from children

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
    run.child = 0;
    report(run, std::nullopt);
    return;
  }
  run.javascript = std::move(*compiled.mutable_javascript());
  run.request.clear_source();
  cache_.insert(run.digest, run.javascript);
  await_child(run, ChildKind::Executor, now);
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
    run->wall_us = microseconds_between(run->began, now);
  }
  by_child_.erase(child);
  run->child = 0;
  if (run->phase == Phase::Compiling && !usage && !std::exchange(run->recompiled, true)) {
    await_child(*run, ChildKind::Compiler, now);  // it has not begun
    return;
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
  run.wall_us = microseconds_between(run.began, now);
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
      run.outcome = not_finished(
          codemode::v1::OUTCOME_TIMEOUT,
          "compiling the script took more than 2 s",
          "make the script shorter and its types simpler"
      );
      end(run, now);
      break;
    case Phase::Executing:
      run.overdue = true;
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

void Runs::erase(Run& run) {
  withdraw(run);
  runs_.erase(Key(run.service, run.id()));
}

void Runs::tick(TimePoint now) {
  std::vector<Run*> due;
  for (const auto& [key, run] : runs_) {
    if (run->deadline <= now) {
      due.push_back(run.get());
    }
  }
  for (Run* run : due) {
    overdue(*run, now);
  }
}

TimePoint Runs::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [key, run] : runs_) {
    next = std::min(next, run->deadline);
  }
  return next;
}

Runs::Run* Runs::of_child(ChildId child) {
  const auto found = by_child_.find(child);
  return found == by_child_.end() ? nullptr : found->second;
}

Runs::Run* Runs::find(ServiceId service, const std::string& run_id) {
  const auto found = runs_.find(Key(service, run_id));
  return found == runs_.end() ? nullptr : found->second.get();
}

}  // namespace sluice::codemode_runner
