// ToolCaller: carries out one tool call of a script: decision, grant, connector, and the answer the
// script's promise gets. Like an explicit execution of the tool, under policy's mode "code".
//
// At most once: for writes and deletes the decision id follows from (tenant, principal, chain, tool
// call id of the script's execution, source, call site, tool, arguments, which of equal calls), so
// that running the same script again under the same tool call id meets the first grant, and the
// call is answered from the trail.
#pragma once

#include "services/codemode-sandbox/domain/run_scope.h"
#include "services/codemode-sandbox/ports.h"

#include "common/audit/client.h"
#include "common/observability/metrics.h"

#include <cstdint>
#include <string>

namespace sluice::codemode_sandbox {

// A call in the order the script made it.
struct ScriptCall {
  runner::ToolCall asked;
  std::string arguments;  // canonical JSON object; empty: they are none
  std::string path;       // "<call site>#<call id>"
  std::string identity;   // of the call within runs of the same script; 32 bytes
};

class ToolCaller {
 public:
  struct Deps {
    ScriptApis* apis;  // all outlive the caller
    PolicyEngine* policy;
    ToolServers* servers;
    AuditJournal* journal;
    audit::Client* audit;
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit ToolCaller(Deps deps) : deps_(deps) {}

  // To be called for each call, in their order: counts equal ones.
  [[nodiscard]] static ScriptCall prepare(RunScope* scope, runner::ToolCall asked);

  // Never fails: what goes wrong rejects the promise. Codes of rejections: "tool_error" (the tool
  // says so), "NotFound", "Denied", "approval_required", "in_progress", "outcome_unknown",
  // "not_carried_out", "result_expired", and the names of canonical codes.
  Async<runner::CallResult> call(RunScopePtr scope, ScriptCall call);

 private:
  // One call under way.
  struct Work {
    RunScopePtr scope;
    ScriptCall call;
    ScriptTool tool;
    std::uint32_t decisions = 0;
  };

  Async<runner::CallResult> decide_and_run(Work* work);
  Async<policy::v1::Decision> decide(Work* work);
  // Decides, and once more where the catalog changed in between.
  Async<policy::v1::Decision> decide_current(Work* work);
  Async<connector::v1::Final> carry_out(Work* work, policy::v1::Decision decision);
  // What the trail knows of a grant; a CallResult without a result when the grant was not used.
  Async<runner::CallResult> recall(Work* work, std::string grant_id);
  Async<void> refresh(Work* work);
  runner::CallResult refuse_left_out(Work* work);
  void find_tool(Work* work);
  void count(const runner::CallResult& result);

  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
