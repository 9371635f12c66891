// ToolCaller: carries out one tool call of a script: decision, grant, connector, and the answer the
// script's promise gets. Like an explicit execution of the tool, under policy's mode "code".
//
// At most once: for writes and deletes the decision id follows from (tenant, principal, chain, tool
// call id of the script's execution, source, call site, tool, arguments, which of equal calls), so
// that running the same script again under the same tool call id meets the first grant, and the
// call is answered from the trail.
#pragma once

#include "services/codemode-sandbox/domain/bridge_check.h"
#include "services/codemode-sandbox/domain/run_list.h"
#include "services/codemode-sandbox/domain/run_scope.h"
#include "services/codemode-sandbox/ports.h"

#include "common/async/key_watch.h"
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
    async::KeyWatch* approvals;  // woken by approval ids
    ParkingLot* lot;
    RunList* list;
    audit::Client* audit;
    async::Clock* clock;
    observability::Metrics* metrics;
  };

  explicit ToolCaller(Deps deps) : deps_(deps) {}

  // To be called for each call, in their order: counts equal ones.
  [[nodiscard]] static ScriptCall prepare(RunScope* scope, runner::ToolCall asked);

  // A call that needs people waits for them, as long as a run may; then it ends the run as
  // APPROVAL_REQUIRED.
  //
  // Never fails: what goes wrong rejects the promise. Codes of rejections: "tool_error" (the tool
  // says so), "invalid_arguments", "invalid_result" (of the tool's schemas, with the path of what
  // does not fit), "NotFound", "Denied", "rate_limited", "approval_required", "in_progress",
  // "outcome_unknown", "not_carried_out", "result_expired", and the names of canonical codes.
  Async<runner::CallResult> call(RunScopePtr scope, ScriptCall call);

 private:
  // One call under way.
  struct Work {
    RunScopePtr scope;
    ScriptCall call;
    ScriptTool tool;
    std::uint32_t decisions = 0;
    std::string rule;  // that decided last
  };

  class Wait;

  Async<runner::CallResult> carry_out_checked(Work* work);

  Async<runner::CallResult> decide_and_run(Work* work);
  void end_unapproved(Work* work, const policy::v1::Decision& decision);
  Async<policy::v1::Decision> decide(Work* work);
  // Decides, and once more where the catalog changed in between.
  Async<policy::v1::Decision> decide_current(Work* work);
  Async<connector::v1::Final> carry_out(Work* work, policy::v1::Decision decision);
  // What the trail knows of a grant; a CallResult without a result when the grant was not used.
  Async<runner::CallResult> recall(Work* work, std::string grant_id);
  Async<void> refresh(Work* work);
  // Refused here, with a record: policy-engine is not asked.
  runner::CallResult refuse(Work* work, std::string_view rule, std::string_view reason);
  void find_tool(Work* work);
  void count(const runner::CallResult& result);

  Deps deps_;
  BridgeCheck bridge_;
};

}  // namespace sluice::codemode_sandbox
