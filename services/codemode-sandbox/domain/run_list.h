// RunList: the runs of this instance that are under way or have just ended, as documents for
// people. A view; the trail is the truth. What RunHandler tells it costs no wait. Single thread.
#pragma once

#include "services/codemode-sandbox/domain/run_document.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// Hears of every change of a RunList's documents; RunKeeper writes them down.
class RunWatcher {
 public:
  RunWatcher() = default;
  RunWatcher(const RunWatcher&) = delete;
  RunWatcher& operator=(const RunWatcher&) = delete;
  RunWatcher(RunWatcher&&) = delete;
  RunWatcher& operator=(RunWatcher&&) = delete;
  virtual ~RunWatcher() = default;

  enum class Urgency { Now, Soon };
  virtual void changed(const std::string& run_id, Urgency urgency) = 0;
  [[nodiscard]] virtual std::int64_t now_unix_ms() const = 0;
};

class RunList {
 public:
  // Without a watcher the newest kRunsRemembered that have ended are kept; with one, a run is kept
  // until the watcher forgets it. Watcher: outlives the list's use.
  void watch(RunWatcher* watcher) { watcher_ = watcher; }

  // Told in the documents of runs that start from here on.
  void show_limits(const RunLimits& limits) { limits_ = limits; }

  void started(const RunScope& scope, std::int64_t now_unix_ms);
  // What was found out before it ran.
  void checked(
      const std::string& run_id,
      const codemode::v1::Check& check,
      const std::vector<codemode::v1::CallVerdict>& call_set
  );
  void call_started(const std::string& run_id, const RunCallStart& call, std::int64_t now_unix_ms);
  void call_ended(const std::string& run_id, const RunCallEnd& call, std::int64_t now_unix_ms);
  void wrote(const std::string& run_id, const codemode::v1::RunProgress& line);
  // It waits for people; an empty id: it goes on.
  void parked(const std::string& run_id, const std::string& approval_id);
  // What it used: of the same run, before finished().
  void used(const std::string& run_id, const runner::Finished& finished);
  void finished(const std::string& run_id, const codemode::v1::RunFinal& final);
  void abandoned(const std::string& run_id, std::uint32_t calls, const Error& error);

  // nullptr: not here, or not any more.
  [[nodiscard]] const RunDocument* find(std::string_view run_id) const;
  void forget(std::string_view run_id);

  // JSON array of short forms, newest first, at most kRunsListed of the caller's own; with a run id
  // only that one. What is here; RunsHandler knows of other instances and times.
  [[nodiscard]] std::string list(const policy::v1::CallerClaims& caller, std::string_view run_id)
      const;

 private:
  RunDocument* mutable_find(std::string_view run_id);
  void tell(const std::string& run_id, RunWatcher::Urgency urgency);
  void make_room();

  RunWatcher* watcher_ = nullptr;
  std::optional<RunLimits> limits_;
  std::map<std::string, RunDocument, std::less<>> runs_;
  std::deque<std::string> order_;  // of runs_, oldest first
};

}  // namespace sluice::codemode_sandbox
