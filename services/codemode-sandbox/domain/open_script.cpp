#include "services/codemode-sandbox/domain/open_script.h"

#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::string_view kStartedAgain =
    "[the script was started again on another runner; output from here on is of the new start]";

}  // namespace

OpenScript::OpenScript(runner::Run message, TimePoint deadline, TimePoint now)
    : message_(std::move(message)),
      deadline_(deadline),
      submitted_(now),
      events_(
          std::size_t{message_.limits().calls_max()} + kConsoleLinesQueuedMax + 1 + kAttemptsMax
      ) {}

Async<ScriptEvent> OpenScript::next() {
  SLUICE_CO_TRY(auto event, co_await events_.pop());
  SLUICE_CHECK(event.has_value(), "nothing is asked of a script after its end");
  if (event->ok() && std::holds_alternative<runner::Console>(event->value())) {
    --console_lines_queued_;
  }
  co_return std::move(*event);
}

std::string OpenScript::add_checked(runner::Checked checked) {
  if (checked_) {
    return "it checks a script twice";
  }
  if (std::string fault = fault_of(checked.check()); !fault.empty()) {
    return fault;
  }
  checked_ = true;
  Result<ScriptEvent> event = ScriptEvent(std::move(checked));
  const bool queued = events_.try_push(event);
  SLUICE_CHECK(queued, "the channel has room for a check of each attempt");
  return "";
}

std::string OpenScript::add_call(runner::ToolCall call) {
  std::string fault = fault_of(call);
  if (fault.empty() && !checked_) {
    fault = "it runs a script that it has not checked";
  }
  if (fault.empty() && call.call_id() != calls_ + 1) {
    fault = "its call ids are not in order";
  }
  if (fault.empty() && calls_ >= message_.limits().calls_max()) {
    fault = "it makes more calls than the script may";
  }
  if (!fault.empty()) {
    return fault;
  }
  ++calls_;
  open_calls_.insert(call.call_id());
  Result<ScriptEvent> event = ScriptEvent(std::move(call));
  const bool queued = events_.try_push(event);
  SLUICE_CHECK(queued, "the channel has room for every call a script may make");
  return "";
}

void OpenScript::add_console(runner::Console line) {
  make_fit(line);
  console_bytes_ += line.text().size() + 1;
  if (console_bytes_ > message_.limits().console_bytes() ||
      console_lines_queued_ >= kConsoleLinesQueuedMax) {
    console_bytes_dropped_ += line.text().size();
    return;
  }
  Result<ScriptEvent> event = ScriptEvent(std::move(line));
  if (events_.try_push(event)) {
    ++console_lines_queued_;
  }
}

void OpenScript::finish(runner::Finished finished) {
  make_fit(finished, message_.limits().value_bytes());
  finished.set_calls(calls_);
  finished.set_console_bytes_dropped(
      std::max<std::uint64_t>(finished.console_bytes_dropped(), console_bytes_dropped_)
  );
  end(ScriptEvent(std::move(finished)));
}

void OpenScript::end(Result<ScriptEvent> event) {
  SLUICE_CHECK(!ended_, "a script ends once");
  ended_ = true;
  const bool queued = events_.try_push(event);
  SLUICE_CHECK(queued, "the channel has room for the end");
}

bool OpenScript::settle(std::uint32_t call_id) {
  return !ended_ && open_calls_.erase(call_id) > 0;
}

void OpenScript::set_handed_over(TimePoint now) {
  overdue_ =
      now + std::chrono::milliseconds(message_.limits().wall_ms()) + kCheckTime + kRunnerGrace;
}

bool OpenScript::set_parked(bool parked, TimePoint now) {
  if (parked == left_.has_value()) {
    return false;
  }
  if (parked) {
    left_ = overdue_ - now;
    overdue_ = TimePoint::max();
  } else {
    overdue_ = now + *left_;
    left_.reset();
  }
  return true;
}

void OpenScript::give_back(TimePoint now) {
  peer.clear();
  submitted_ = now;
  checked_ = false;
  left_.reset();
  if (console_bytes_ == 0) {
    return;
  }
  console_bytes_ = 0;
  runner::Console note;
  note.set_level("info");
  note.set_text(std::string(kStartedAgain));
  Result<ScriptEvent> event = ScriptEvent(std::move(note));
  if (console_lines_queued_ < kConsoleLinesQueuedMax && events_.try_push(event)) {
    ++console_lines_queued_;
  }
}

}  // namespace sluice::codemode_sandbox
