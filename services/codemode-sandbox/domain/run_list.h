// RunList: the newest runs of this instance, in memory. A view for people; the trail is the truth.
#pragma once

#include "services/codemode-sandbox/domain/run_scope.h"

#include "common/base/error.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

class RunList {
 public:
  void started(const RunScope& scope, std::int64_t now_unix_ms);
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
