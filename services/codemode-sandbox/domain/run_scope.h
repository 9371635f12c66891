// RunScope: one run, as its tool calls see it.
#pragma once

#include "services/codemode-sandbox/domain/call_set.h"
#include "services/codemode-sandbox/domain/parking.h"
#include "services/codemode-sandbox/domain/script_api.h"
#include "services/codemode-sandbox/limits.h"
#include "services/codemode-sandbox/ports.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::codemode_sandbox {

struct RunScope {
  RequestContext context;  // with the run's id; hop: that of run.started
  policy::v1::CallerClaims caller;
  std::string tool_call_id;  // of the executeToolCode call; empty: none
  std::string source;
  std::string source_digest;  // SHA-256
  policy::v1::ToolFilter filter;
  policy::v1::Mode mode = policy::v1::MODE_CODE;
  ScriptApiPtr tools;
  CallSet calls;  // of its check
  codemode::v1::Check check;
  std::vector<codemode::v1::CallVerdict> call_set;
  bool reviewed = false;                         // it may run, under a token of its own
  std::map<std::string, std::uint32_t> repeats;  // of equal calls, by their digest
  std::unique_ptr<Script> script;
  Parking parking;
  std::string approval_id;  // that ended it

  // Of every call: a script whose calls cannot be listed is asked about each.
  [[nodiscard]] policy::v1::Verdict at_least() const {
    return calls.escapes() ? policy::v1::VERDICT_APPROVE : policy::v1::VERDICT_UNSPECIFIED;
  }

  // Of the first record of a call.
  [[nodiscard]] std::uint32_t hop_of_call(std::uint32_t call_id) const {
    return context.hop + 1 + (call_id - 1) * kHopsPerCall;
  }
};

// Shared: a call under way may outlast its run.
using RunScopePtr = std::shared_ptr<RunScope>;

}  // namespace sluice::codemode_sandbox
