#include "services/codemode-sandbox/runner/supervisor/runs.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"
#include "services/codemode-sandbox/runner/supervisor/message_check.h"
#include "services/codemode-sandbox/runner/supervisor/run_entry.h"

#include "common/crypto/sha256.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_runner {

Runs::Runs(const Deps& deps) : deps_(deps), cache_(kCacheEntriesMax, kCacheBytesMax) {}

Runs::~Runs() = default;

std::uint32_t Runs::free_slots() const {
  const auto used = static_cast<std::uint32_t>(runs_.size()) - parked_;
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
    case wire::ToRunner::kProceed:
      if (Run* run = find(service, message.proceed().run_id());
          run != nullptr && run->phase == Phase::AwaitsProceed) {
        await_child(*run, ChildKind::Executor, now);
      }
      break;
    case wire::ToRunner::kPark:
      if (Run* run = find(service, message.park().run_id()); run != nullptr) {
        park(*run, message.park().parked(), now);
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
  if (!run.request.declarations().empty()) {
    run.declarations_digest = crypto::sha256(run.request.declarations());
  }
  run.digest = crypto::sha256(run.declarations_digest + run.request.source());
  if (const CompiledScript* known = cache_.find(run.digest); known != nullptr) {
    await_proceed(run, *known, Cached::Yes, now);
  } else {
    await_child(run, ChildKind::Compiler, now);
  }
}

void Runs::await_proceed(Run& run, const CompiledScript& script, Cached cached, TimePoint now) {
  run.phase = Phase::AwaitsProceed;
  run.child = 0;
  run.deadline = now + kProceedTimeout;
  run.javascript = script.javascript;
  run.request.clear_source();
  run.request.clear_declarations();
  wire::ToService message;
  message.mutable_checked()->set_run_id(run.id());
  *message.mutable_checked()->mutable_check() = script.check;
  message.mutable_checked()->set_cached(cached == Cached::Yes);
  static_cast<void>(deps_.services->send(run.service, message));
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

// Its time is kept as what is left of it, and the bound of all waits takes its place.
void Runs::park(Run& run, bool parked, TimePoint now) {
  if (run.phase != Phase::Executing || run.parked == parked) {
    return;
  }
  if (parked && parked_ >= kParkedRunsMax) {
    deps_.log->warn("park-not-followed", {{"run", run.id()}, {"parked", parked_}});
    return;
  }
  run.parked = parked;
  if (parked) {
    ++parked_;
    run.parked_at = now;
    run.left = std::max(run.deadline - now, Duration(0));
    run.deadline = now + kParkedMax;
  } else {
    --parked_;
    run.began += now - run.parked_at;
    run.deadline = now + run.left;
  }
  wire::ToChild message;
  message.mutable_park()->set_parked(parked);
  if (!deps_.children->send(run.child, message)) {
    fail(run, codemode::v1::OUTCOME_MEMORY, "more results wait than the script may hold", now);
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
  message.mutable_compile()->set_declarations(run.request.declarations());
  message.mutable_compile()->set_declarations_digest(run.declarations_digest);
  static_cast<void>(deps_.children->send(run.child, message));  // one message fits in any case
  if (!run.declarations_digest.empty()) {  // this child brings them along; the next ones have them
    deps_.children->prepare(run.declarations_digest, run.request.declarations());
  }
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

// --- time

void Runs::erase(Run& run) {
  withdraw(run);
  parked_ -= run.parked ? 1 : 0;
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
