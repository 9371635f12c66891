// RunDocument: one run as people look at it: source, what was found out before it ran, its calls,
// console, value, and what it used. A view; the trail is the truth. A value, bounded in every part
// and as a whole (kRunDocumentBytesMax).
#pragma once

#include "services/codemode-sandbox/domain/run_limits.h"
#include "services/codemode-sandbox/domain/run_scope.h"

#include "common/base/error.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
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

class RunDocument {
 public:
  RunDocument(const RunScope& scope, std::int64_t now_unix_ms);

  // What the run may use.
  void limited(const RunLimits& limits) { limits_ = limits; }

  // What happens to the run; see RunList.
  void checked(
      const codemode::v1::Check& check, const std::vector<codemode::v1::CallVerdict>& call_set
  );
  void call_started(const RunCallStart& call, std::int64_t now_unix_ms);
  void call_ended(const RunCallEnd& call, std::int64_t now_unix_ms);
  void wrote(const codemode::v1::RunProgress& line);
  void parked(const std::string& approval_id);
  void used(const runner::Finished& finished);
  void finished(const codemode::v1::RunFinal& final, std::int64_t now_unix_ms);
  void abandoned(std::uint32_t calls, const Error& error, std::int64_t now_unix_ms);

  [[nodiscard]] const std::string& run_id() const { return run_id_; }

  [[nodiscard]] const std::string& tenant() const { return tenant_; }

  [[nodiscard]] const std::string& principal() const { return principal_; }

  [[nodiscard]] std::int64_t started_unix_ms() const { return started_unix_ms_; }

  // "checking", "running", "parked", then the outcome's name, or "abandoned".
  [[nodiscard]] const std::string& state() const { return state_; }

  [[nodiscard]] bool has_ended() const { return ended_unix_ms_ != 0; }

  [[nodiscard]] std::int64_t ended_unix_ms() const { return ended_unix_ms_; }

  // Whether a call is under way.
  [[nodiscard]] bool has_open_calls() const { return open_calls_ > 0; }

  // The short form, and the document; now: when they are told. JSON objects. ended_unix_ms is in
  // both of a run that has ended, and of no other.
  [[nodiscard]] std::string summary(std::int64_t now_unix_ms) const;
  [[nodiscard]] std::string json(std::int64_t now_unix_ms) const;

 private:
  class Writer;

  struct Call {
    RunCallStart start;  // arguments: masked, at most kRunCallArgumentsShownMax
    bool whole = true;   // arguments are JSON, nothing was cut off
    std::string digest;  // SHA-256 of the arguments as they were
    std::int64_t started_unix_ms = 0;
    std::int64_t ended_unix_ms = 0;
    RunCallEnd end;
  };

  struct Line {
    std::string level;
    std::string text;
  };

  Call* find_call(std::uint32_t call_id);

  std::string run_id_;
  std::string tenant_;
  std::string principal_;
  std::string agent_;
  std::string key_id_;
  std::string chain_id_;
  std::string request_id_;
  std::string tool_call_id_;
  std::string source_;
  std::string source_digest_;
  std::int64_t started_unix_ms_;
  std::int64_t ended_unix_ms_ = 0;
  std::string state_ = "checking";
  bool is_unattended_;
  std::string approval_id_;
  codemode::v1::Check check_;
  bool is_checked_ = false;
  std::vector<codemode::v1::CallVerdict> call_set_;
  std::deque<Call> calls_;  // the newest kRunCallsShownMax
  std::uint32_t calls_made_ = 0;
  std::uint32_t open_calls_ = 0;
  std::size_t arguments_bytes_ = 0;
  std::deque<Line> console_;  // the first kRunConsoleShownMax bytes
  std::size_t console_bytes_ = 0;
  std::uint64_t console_bytes_dropped_ = 0;  // by runner and document
  std::string value_;
  bool has_value_ = false;
  bool value_clipped_ = false;
  std::size_t value_bytes_ = 0;
  codemode::v1::ScriptError error_;
  bool has_error_ = false;
  std::optional<RunLimits> limits_;
  runner::Finished used_;  // its numbers only
  bool has_used_ = false;
  std::uint32_t duration_ms_ = 0;
};

}  // namespace sluice::codemode_sandbox
