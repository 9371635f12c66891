#include "services/codemode-sandbox/domain/run_keeper.h"

#include "services/codemode-sandbox/limits.h"

#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

RunKeeper::RunKeeper(Deps deps)
    : deps_(deps),
      lost_(&deps.metrics->counter(
          "sluice_codemode_run_documents_lost_total",
          "Writes of documents of runs that failed; the trail has the runs."
      )),
      writes_(deps.executor, [log = deps.log](std::string_view name, const Error& error) {
        log->error("run-document-task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {
  deps_.list->watch(this);
}

RunKeeper::~RunKeeper() {
  deps_.list->watch(nullptr);
}

Async<void> RunKeeper::run() {
  for (;;) {  // ends with the service
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kRunLookInterval));
    look();
  }
}

Async<void> RunKeeper::close() {
  co_return co_await writes_.close();
}

void RunKeeper::changed(const std::string& run_id, Urgency urgency) {
  State& state = states_[run_id];
  state.is_dirty = true;
  if (urgency == Urgency::Now) {
    state.is_urgent = true;
    write_soon(run_id, &state);
  }
}

void RunKeeper::look() {
  const TimePoint now = deps_.clock->now();
  std::vector<std::string> due;
  for (const auto& [run_id, state] : states_) {
    const Duration since = now - state.written;
    if (!state.is_writing &&
        (since >= kRunBeatInterval || (state.is_dirty && since >= kRunWriteInterval))) {
      due.push_back(run_id);
    }
  }
  for (const std::string& run_id : due) {
    write_soon(run_id, &states_.at(run_id));
  }
}

void RunKeeper::write_soon(const std::string& run_id, State* state) {
  if (!state->is_writing) {
    state->is_writing = true;
    writes_.spawn("run-document", write(run_id, state));
  }
}

bool RunKeeper::is_over(const RunDocument& run) const {
  return run.has_ended() && (!run.has_open_calls() ||
                             now_unix_ms() - run.ended_unix_ms() >= kRunCallsAwaitedFor.count());
}

// state: of this run, until it is over.
Async<void> RunKeeper::write(std::string run_id, State* state) {
  bool over = false;
  do {
    state->is_dirty = false;
    state->is_urgent = false;
    const RunDocument* const run = deps_.list->find(run_id);
    if (run == nullptr) {
      over = true;
      break;
    }
    over = is_over(*run);
    const auto kept = co_await deps_.store->put(
        {.run_id = run_id,
         .tenant = run->tenant(),
         .principal = run->principal(),
         .started_unix_ms = run->started_unix_ms(),
         .summary = run->summary(now_unix_ms()),
         .document = run->json(now_unix_ms())}
    );
    state->written = deps_.clock->now();
    if (!kept.ok()) {
      lost_->add();
      if (!failing_) {
        deps_.log->warn(
            "run-document-not-kept", {{"run", run_id}, {"error", kept.error().to_log()}}
        );
      }
    }
    failing_ = !kept.ok();
  } while (!over && state->is_urgent);
  state->is_writing = false;
  if (over) {
    deps_.list->forget(run_id);
    states_.erase(run_id);
  }
  co_return Result<void>();
}

}  // namespace sluice::codemode_sandbox
