#include "services/codemode-sandbox/domain/dispatcher.h"

#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {
namespace {

Error no_runner() {
  return Error(
             Code::Unavailable,
             "no runner is connected; use the tools without code mode, or start a runner and try "
             "again"
  )
      .with_retry_after(std::chrono::milliseconds(2'000));
}

Error all_busy() {
  return Error(Code::Unavailable, "all runners are busy; try again in a few seconds")
      .with_retry_after(std::chrono::milliseconds(1'000));
}

Error gave_up(std::string_view why) {
  return Error(
             Code::Unavailable,
             "the script was given to " + std::to_string(kAttemptsMax) +
                 " runners and none ran it (" + std::string(why) +
                 "); nothing was called, try again in a few seconds"
  )
      .with_retry_after(std::chrono::milliseconds(2'000));
}

}  // namespace

// What start() gives out.
class Dispatcher::Handle final : public Script {
 public:
  Handle(Dispatcher* owner, RunPtr run) : owner_(owner), run_(std::move(run)) {}

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;

  ~Handle() override {
    if (!run_->ended()) {
      owner_->cancel(run_);
      owner_->end(run_, Error(Code::Cancelled, "nobody waits for this script"));
    }
  }

  Async<ScriptEvent> next() override { return run_->next(); }

  void proceed() override {
    runner::ToRunner message;
    message.mutable_proceed()->set_run_id(run_->id());
    tell(message);
  }

  void park(bool parked) override {
    if (!run_->ended()) {
      owner_->park(run_, parked);
    }
  }

  void stop(codemode::v1::Outcome outcome, codemode::v1::ScriptError error) override {
    if (!run_->ended()) {
      owner_->cancel(run_);
      owner_->stop(run_, outcome, std::move(error));
    }
  }

  void answer(runner::CallResult result) override {
    if (!run_->settle(result.call_id())) {
      return;
    }
    result.set_run_id(run_->id());
    runner::ToRunner message;
    *message.mutable_result() = std::move(result);
    tell(message);
  }

 private:
  void tell(const runner::ToRunner& message) {
    if (!run_->ended() && !run_->peer.empty()) {
      owner_->say(run_->peer, message);
    }
  }

  Dispatcher* owner_;
  RunPtr run_;
};

Dispatcher::Dispatcher(Deps deps)
    : deps_(deps),
      runners_(&deps.metrics->gauge("sluice_codemode_runners_connected", "Runners connected.")),
      slots_free_(&deps.metrics->gauge("sluice_codemode_slots_free", "Free slots of all runners.")),
      running_(&deps.metrics->gauge("sluice_codemode_scripts_running", "Scripts on a runner.")),
      waiting_gauge_(
          &deps.metrics->gauge("sluice_codemode_scripts_waiting", "Scripts waiting for a runner.")
      ),
      moved_(&deps.metrics->counter(
          "sluice_codemode_scripts_moved_total", "Scripts given to another runner."
      )),
      bad_messages_(&deps.metrics->counter(
          "sluice_codemode_runner_faults_total", "Messages of runners that broke a bound."
      )) {}

Dispatcher::~Dispatcher() {
  while (!runs_.empty()) {
    end(runs_.begin()->second, Error(Code::Cancelled, "the service stops"));
  }
}

Result<std::unique_ptr<Script>> Dispatcher::start(runner::Run run, TimePoint deadline) {
  if (runs_.size() >= deps_.runs_max) {
    return Error(Code::Exhausted, "too many scripts are under way here; try again in a few seconds")
        .with_retry_after(std::chrono::milliseconds(2'000));
  }
  std::string id = run.run_id();
  auto started = std::make_shared<OpenScript>(std::move(run), deadline, deps_.clock->now());
  const bool fresh = runs_.emplace(std::move(id), started).second;
  SLUICE_CHECK(fresh, "run ids are random");
  waiting_.push_back(started);
  dispatch();
  return std::unique_ptr<Script>(std::make_unique<Handle>(this, std::move(started)));
}

void Dispatcher::heard(const std::string& peer, std::string_view bytes) {
  runner::ToService message;
  if (bytes.size() > kRunnerMessageBytesMax ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    bad_message(peer, "it cannot be read");
    return;
  }
  if (message.has_ready()) {
    take_ready(peer, message.ready());
    return;
  }
  RunnerSlots::Peer* const known = peers_.find(peer);
  if (known == nullptr) {
    return;  // it will say Ready again when it hears nothing
  }
  known->heard = deps_.clock->now();
  switch (message.message_case()) {
    case runner::ToService::kBeat:
      known->tell_free(message.beat().free_slots());
      dispatch();
      break;
    case runner::ToService::kCall:
      if (const RunPtr run = run_of(peer, message.call().run_id()); run != nullptr) {
        take_call(run, std::move(*message.mutable_call()));
      }
      break;
    case runner::ToService::kConsole:
      if (const RunPtr run = run_of(peer, message.console().run_id()); run != nullptr) {
        run->add_console(std::move(*message.mutable_console()));
      }
      break;
    case runner::ToService::kChecked:
      if (const RunPtr run = run_of(peer, message.checked().run_id()); run != nullptr) {
        take_checked(run, std::move(*message.mutable_checked()));
      }
      break;
    case runner::ToService::kFinished:
      if (const RunPtr run = run_of(peer, message.finished().run_id()); run != nullptr) {
        take_finished(run, std::move(*message.mutable_finished()));
      }
      break;
    case runner::ToService::kRefused:
      if (const RunPtr run = run_of(peer, message.refused().run_id()); run != nullptr) {
        take_refused(run, message.refused());
      }
      break;
    default:
      bad_message(peer, "it is of no known kind");
  }
}

void Dispatcher::take_ready(const std::string& peer, const runner::Ready& ready) {
  if (const auto fault = fault_of(ready); !fault.empty()) {
    bad_message(peer, fault);
    return;
  }
  const bool fresh = peers_.find(peer) == nullptr;
  if (fresh && peers_.all().size() >= kRunnersMax) {
    bad_message(peer, "too many runners are connected");
    return;
  }
  RunnerSlots::Peer& it = peers_.add(peer);
  it.runner_id = ready.runner_id();
  it.slots = ready.slots();
  it.tell_free(ready.free_slots());
  it.heard = deps_.clock->now();
  if (fresh) {
    deps_.log->info(
        "runner-connected",
        {{"runner", it.runner_id}, {"slots", it.slots}, {"v8", ready.v8_version()}}
    );
    runner::ToRunner beat;
    beat.mutable_beat();
    if (!say(peer, beat)) {
      return;
    }
  }
  dispatch();
}

Dispatcher::RunPtr Dispatcher::run_of(const std::string& peer, const std::string& id) {
  const auto found = runs_.find(id);
  if (found != runs_.end() && found->second->peer == peer) {
    return found->second;
  }
  if (!id.empty() && id.size() <= kRunIdBytesMax) {
    runner::ToRunner message;
    message.mutable_cancel()->set_run_id(id);
    say(peer, message);
  }
  return nullptr;
}

void Dispatcher::take_call(const RunPtr& run, runner::ToolCall call) {
  const std::string fault = run->add_call(std::move(call));
  if (!fault.empty()) {
    breached(run, fault);
  }
}

void Dispatcher::breached(const RunPtr& run, const std::string& fault) {
  bad_message(run->peer, fault);
  cancel(run);
  kill(run, "the runner broke its own rules: " + fault, "tell the operator; the log names it");
}

void Dispatcher::take_checked(const RunPtr& run, runner::Checked checked) {
  const std::string fault = run->add_checked(std::move(checked));
  if (!fault.empty()) {
    breached(run, fault);
  }
}

void Dispatcher::take_finished(const RunPtr& run, runner::Finished finished) {
  free_slot(run);
  run->finish(std::move(finished));
  forget(run);
  dispatch();
}

void Dispatcher::take_refused(const RunPtr& run, const runner::Refused& refused) {
  if (run->calls() > 0) {
    bad_message(run->peer, "it refuses a script that it runs");
    cancel(run);
    kill(
        run,
        "the runner gave the script up after " + std::to_string(run->calls()) + " tool calls",
        "what the calls did is in the audit trail; look at it before you run the script again"
    );
    return;
  }
  deps_.log->info("run-refused", {{"run", refused.run_id()}, {"reason", refused.reason()}});
  run->refusers.insert(run->peer);
  if (RunnerSlots::Peer* const it = peers_.find(run->peer); it != nullptr) {
    it->forget(run->id());
    it->free = 0;  // until it says otherwise
  }
  again(run, "the runner refused it");
  dispatch();
}

// Back into the queue, before those that came later.
void Dispatcher::again(const RunPtr& run, std::string_view why) {
  run->give_back(deps_.clock->now());
  if (run->attempts >= kAttemptsMax) {
    end(run, gave_up(why));
    return;
  }
  moved_->add();
  waiting_.push_front(run);
}

void Dispatcher::dispatch() {
  for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
    const RunPtr run = waiting_.front();
    waiting_.pop_front();
    if (!hand_to_best(run)) {
      waiting_.push_back(run);  // after a whole round the order is the old one
    }
  }
  measure();
}

bool Dispatcher::hand_to_best(const RunPtr& run) {
  for (;;) {  // each round ends it or loses a peer
    std::string name;
    RunnerSlots::Peer* const best = peers_.best(run->refusers, &name);
    if (best == nullptr) {
      return false;
    }
    runner::ToRunner message;
    *message.mutable_run() = run->message();
    if (!deps_.sender->send(name, message)) {
      lost(name, "it cannot be reached");
      continue;
    }
    ++run->attempts;
    run->peer = name;
    run->set_handed_over(deps_.clock->now());
    best->take(run->id());
    return true;
  }
}

void Dispatcher::lost(const std::string& peer, std::string_view why) {
  RunnerSlots::Peer* const found = peers_.find(peer);
  if (found == nullptr) {
    return;
  }
  deps_.log->warn(
      "runner-lost", {{"runner", found->runner_id}, {"why", why}, {"scripts", found->runs.size()}}
  );
  const std::set<std::string> ids = std::move(found->runs);
  peers_.remove(peer);
  for (const std::string& id : ids) {
    const auto known = runs_.find(id);
    if (known == runs_.end()) {
      continue;
    }
    const RunPtr run = known->second;
    if (run->calls() == 0) {
      again(run, "the runner ended");
    } else {
      kill(
          run,
          "the runner ended while the script ran, after " + std::to_string(run->calls()) +
              " tool calls",
          "what the calls did is in the audit trail; look at it before you run the script again"
      );
    }
  }
}

void Dispatcher::free_slot(const RunPtr& run) {
  if (RunnerSlots::Peer* const peer = peers_.find(run->peer); peer != nullptr) {
    peer->give_back(run->id());
  }
}

// Tells its runner; the slot counts as taken until the runner's next beat.
void Dispatcher::cancel(const RunPtr& run) {
  RunnerSlots::Peer* const peer = peers_.find(run->peer);
  if (peer == nullptr) {
    return;
  }
  peer->forget(run->id());
  runner::ToRunner message;
  message.mutable_cancel()->set_run_id(run->id());
  say(std::string(run->peer), message);
}

void Dispatcher::end(RunPtr run, Result<ScriptEvent> event) {
  run->end(std::move(event));
  forget(run);
}

void Dispatcher::forget(const RunPtr& run) {
  run->peer.clear();
  std::erase(waiting_, run);
  runs_.erase(run->id());
  measure();
}

void Dispatcher::kill(const RunPtr& run, std::string message, std::string hint) {
  codemode::v1::ScriptError error;
  error.set_message(std::move(message));
  error.set_hint(std::move(hint));
  stop(run, codemode::v1::OUTCOME_KILLED, std::move(error));
}

void Dispatcher::stop(
    const RunPtr& run, codemode::v1::Outcome outcome, codemode::v1::ScriptError error
) {
  runner::Finished finished;
  finished.set_run_id(run->id());
  finished.set_outcome(outcome);
  *finished.mutable_error() = std::move(error);
  finished.set_calls(run->calls());
  finished.set_console_bytes_dropped(run->console_bytes_dropped());
  end(run, ScriptEvent(std::move(finished)));
}

// A parked script takes no slot, there and here.
void Dispatcher::park(const RunPtr& run, bool parked) {
  RunnerSlots::Peer* const peer = peers_.find(run->peer);
  if (peer == nullptr || !run->set_parked(parked, deps_.clock->now())) {
    return;
  }
  peer->park(run->id(), parked);
  runner::ToRunner message;
  message.mutable_park()->set_run_id(run->id());
  message.mutable_park()->set_parked(parked);
  if (say(std::string(run->peer), message) && parked) {
    dispatch();
  }
}

void Dispatcher::tick() {
  const TimePoint now = deps_.clock->now();
  std::vector<std::string> silent;
  std::vector<std::string> heard;
  for (const auto& [peer, it] : peers_.all()) {
    (now - it.heard > kSilenceMax ? silent : heard).push_back(peer);
  }
  for (const std::string& peer : silent) {
    lost(peer, "it was silent for 2 s");
  }
  if (now - last_beat_ >= kBeatInterval) {
    last_beat_ = now;
    runner::ToRunner beat;
    beat.mutable_beat();
    for (const std::string& peer : heard) {
      say(peer, beat);
    }
  }
  expire(now);
  dispatch();
}

void Dispatcher::expire(TimePoint now) {
  std::vector<RunPtr> all;
  all.reserve(runs_.size());
  for (const auto& [id, run] : runs_) {
    all.push_back(run);
  }
  for (const RunPtr& run : all) {
    if (run->ended()) {
      continue;  // with the peer of one before it
    }
    if (now >= run->deadline()) {
      cancel(run);
      end(run, Error(Code::Deadline, "the script did not end in the time its caller gave it"));
    } else if (run->peer.empty()) {
      if (peers_.all().empty() && now - run->submitted() >= kWaitForRunner) {
        end(run, no_runner());
      } else if (now - run->submitted() >= kWaitForSlot) {
        end(run, all_busy());
      }
    } else if (now >= run->overdue()) {
      deps_.log->error("run-overdue", {{"run", run->id()}});
      cancel(run);
      kill(
          run,
          "the runner did not end the script in its time",
          "run it again; if it happens again, tell the operator"
      );
    }
  }
}

bool Dispatcher::say(const std::string& peer, const runner::ToRunner& message) {
  if (deps_.sender->send(peer, message)) {
    return true;
  }
  lost(peer, "it cannot be reached");
  return false;
}

void Dispatcher::bad_message(const std::string& peer, std::string_view why) {
  bad_messages_->add();
  const RunnerSlots::Peer* const known = peers_.find(peer);
  deps_.log->warn(
      "runner-message-refused",
      {{"runner", known != nullptr ? std::string_view(known->runner_id) : "unknown"}, {"why", why}}
  );
}

void Dispatcher::measure() {
  runners_->set(static_cast<double>(peers_.all().size()));
  slots_free_->set(static_cast<double>(peers_.free()));
  waiting_gauge_->set(static_cast<double>(waiting_.size()));
  running_->set(static_cast<double>(runs_.size() - waiting_.size()));
}

}  // namespace sluice::codemode_sandbox
