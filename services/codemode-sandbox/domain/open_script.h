// OpenScript: one script under way: what its runner has said of it, held to the script's limits,
// and what of that its caller has not taken yet.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "common/async/channel.h"
#include "common/async/clock.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace sluice::codemode_sandbox {

class OpenScript {
 public:
  // deadline: that of the caller.
  OpenScript(runner::Run message, TimePoint deadline, TimePoint now);

  // Events in their order. Errors: what end() was told, Cancelled.
  Async<ScriptEvent> next();

  // What is wrong with it, or "".
  [[nodiscard]] std::string add_checked(runner::Checked checked);
  // What is wrong with the call, or "": then it waits for the caller and for its answer.
  [[nodiscard]] std::string add_call(runner::ToolCall call);
  // Lines over a bound are dropped and counted.
  void add_console(runner::Console line);
  // A runner's end of the script, made to fit.
  void finish(runner::Finished finished);
  // The gateway's end of it.
  void end(Result<ScriptEvent> event);
  // True once for each call: it has no answer yet.
  [[nodiscard]] bool settle(std::uint32_t call_id);
  // It will begin anew on another runner; its caller is told where it had printed something.
  void give_back(TimePoint now);

  [[nodiscard]] const std::string& id() const { return message_.run_id(); }

  [[nodiscard]] const runner::Run& message() const { return message_; }

  [[nodiscard]] TimePoint deadline() const { return deadline_; }

  // When it was given in, or back.
  [[nodiscard]] TimePoint submitted() const { return submitted_; }

  [[nodiscard]] std::uint32_t calls() const { return calls_; }

  [[nodiscard]] std::uint64_t console_bytes_dropped() const { return console_bytes_dropped_; }

  [[nodiscard]] bool ended() const { return ended_; }

  // Where it is; kept by the dispatcher.
  std::string peer;                // empty: waiting
  std::set<std::string> refusers;  // peers that did not take it
  int attempts = 0;

  // A runner has it: from here on its time runs.
  void set_handed_over(TimePoint now);
  // False: it was so before, or has no runner.
  [[nodiscard]] bool set_parked(bool parked, TimePoint now);

  // When its runner should have ended it. Its time stands still while it is parked.
  [[nodiscard]] TimePoint overdue() const { return overdue_; }

 private:
  runner::Run message_;
  TimePoint deadline_;
  TimePoint submitted_;
  std::uint32_t calls_ = 0;
  std::set<std::uint32_t> open_calls_;
  std::uint64_t console_bytes_ = 0;
  std::uint64_t console_bytes_dropped_ = 0;
  std::size_t console_lines_queued_ = 0;
  TimePoint overdue_;
  std::optional<Duration> left_;  // until overdue, while it is parked
  bool checked_ = false;          // on the runner that has it
  bool ended_ = false;
  async::Channel<Result<ScriptEvent>> events_;
};

}  // namespace sluice::codemode_sandbox
