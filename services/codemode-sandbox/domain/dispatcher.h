// Dispatcher: which runner has which script. Sans-I/O: it is told what runners say and what time it
// is, and says through RunnerSender what they are to do. Everything a runner says is checked.
#pragma once

#include "services/codemode-sandbox/domain/open_script.h"
#include "services/codemode-sandbox/domain/runner_slots.h"
#include "services/codemode-sandbox/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

class RunnerSender {
 public:
  virtual ~RunnerSender() = default;
  // False: the peer is gone or takes nothing more.
  virtual bool send(const std::string& peer, const runner::ToRunner& message) = 0;
};

// A script goes to the runner with the most free slots, or waits for one. One whose runner dies or
// refuses it is given to another, as long as it has made no tool call; after one it ends as KILLED.
// Thread: the shard's.
class Dispatcher final : public Runners {
 public:
  struct Deps {
    async::Clock* clock;  // all outlive the dispatcher
    observability::Log* log;
    observability::Metrics* metrics;
    RunnerSender* sender;
    std::size_t runs_max = 64;  // scripts under way at once, waiting ones included
  };

  explicit Dispatcher(Deps deps);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  Dispatcher(Dispatcher&&) = delete;
  Dispatcher& operator=(Dispatcher&&) = delete;
  ~Dispatcher() override;

  // The run's limits are those of Run.limits; deadline: that of the caller.
  Result<std::unique_ptr<Script>> start(runner::Run run, TimePoint deadline) override;

  // One message of a peer, as it came.
  void heard(const std::string& peer, std::string_view bytes);
  // Beats, and what time has decided. Every kTick.
  void tick();

  [[nodiscard]] std::size_t runners() const { return peers_.all().size(); }

  [[nodiscard]] std::size_t scripts() const { return runs_.size(); }

 private:
  class Handle;

  using RunPtr = std::shared_ptr<OpenScript>;

  void take_ready(const std::string& peer, const runner::Ready& ready);
  void take_call(const RunPtr& run, runner::ToolCall call);
  void take_checked(const RunPtr& run, runner::Checked checked);
  void take_finished(const RunPtr& run, runner::Finished finished);
  void take_refused(const RunPtr& run, const runner::Refused& refused);
  // The run of that id if the peer has it; else the peer is told to end it.
  RunPtr run_of(const std::string& peer, const std::string& id);

  void dispatch();
  bool hand_to_best(const RunPtr& run);
  void lost(const std::string& peer, std::string_view why);
  void again(const RunPtr& run, std::string_view why);
  void free_slot(const RunPtr& run);
  void cancel(const RunPtr& run);
  void end(RunPtr run, Result<ScriptEvent> event);
  void forget(const RunPtr& run);
  // Its runner said what a runner may not: the run ends.
  void breached(const RunPtr& run, const std::string& fault);
  void kill(const RunPtr& run, std::string message, std::string hint);
  void stop(const RunPtr& run, codemode::v1::Outcome outcome, codemode::v1::ScriptError error);
  void park(const RunPtr& run, bool parked);
  void expire(TimePoint now);
  bool say(const std::string& peer, const runner::ToRunner& message);
  void bad_message(const std::string& peer, std::string_view why);
  void measure();

  Deps deps_;
  RunnerSlots peers_;
  std::map<std::string, RunPtr> runs_;
  std::deque<RunPtr> waiting_;
  TimePoint last_beat_;
  observability::Gauge* runners_;
  observability::Gauge* slots_free_;
  observability::Gauge* running_;
  observability::Gauge* waiting_gauge_;
  observability::Counter* moved_;
  observability::Counter* bad_messages_;
};

}  // namespace sluice::codemode_sandbox
