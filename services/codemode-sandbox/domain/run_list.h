// RunList: the newest runs of this instance, in memory. A view for people; the trail is the truth.
#pragma once

#include "services/codemode-sandbox/domain/run_scope.h"

#include "common/base/error.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// A call of a script's, by real names.
struct RunCallStart {
  std::uint32_t call_id = 0;
  std::string server;
  std::string tool;
  std::string call_site;  // "<line>:<column>"
  std::string arguments;  // canonical JSON
};

struct RunCallEnd {
  std::uint32_t call_id = 0;
  std::string outcome;  // "resolved", or the code of the rejection
  std::string message;  // of a rejection
  std::string rule;     // that decided last; may be empty
};

class RunList {
 public:
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

  // JSON array of {run_id, state, …}, newest first, at most kRunsListed of the caller's own; with a
  // run id only that one.
  [[nodiscard]] std::string list(const policy::v1::CallerClaims& caller, std::string_view run_id)
      const;

 private:
  struct Entry {
    std::string run_id;
    std::string tenant;
    std::string principal;
    std::string chain_id;
    std::string tool_call_id;
    std::int64_t started_unix_ms = 0;
    std::string state = "running";  // then the outcome, or "abandoned"
    std::uint32_t calls = 0;
    std::uint32_t duration_ms = 0;
    std::string error;
  };

  Entry* find(std::string_view run_id);

  std::deque<Entry> entries_;  // oldest first, at most kRunsRemembered
};

}  // namespace sluice::codemode_sandbox
