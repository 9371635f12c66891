// Runs one script for a caller: namespaces of what the caller may see, a runner, and each tool call
// through policy-engine and the connector. Console lines are streamed while it runs.
//
// Errors: Unauthenticated (no valid caller token), Invalid (no source, one longer than
// kSourceBytesMax or not UTF-8), Exhausted (too many scripts), Unavailable (no runner,
// policy-engine silent, audit outbox full; nothing was called), Deadline, Cancelled. A script that
// fails is a normal answer with its outcome.
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/domain/run_limits.h"
#include "services/codemode-sandbox/domain/run_list.h"
#include "services/codemode-sandbox/domain/run_scope.h"
#include "services/codemode-sandbox/domain/script_review.h"
#include "services/codemode-sandbox/domain/tool_caller.h"
#include "services/codemode-sandbox/ports.h"

#include "common/async/channel.h"
#include "common/async/task_group.h"
#include "common/audit/client.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

class RunHandler {
 public:
  struct Deps {
    Executor executor;
    const CallerCheck* callers;  // all outlive the handler
    Runners* runners;
    ScriptApis* apis;
    ScriptReview* review;
    ToolCaller* tools;
    RunAnnouncer* announcer;
    RunList* list;
    audit::Client* audit;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    RunLimits limits;
  };

  explicit RunHandler(Deps deps);

  Async<codemode::v1::RunFinal> operator()(
      codemode::v1::RunRequest request, ConsoleWriter* console, RequestContext context
  );

  // Ends the run if it is here, as CANCELLED.
  void cancel(std::string_view run_id, std::string_view by);

  // Waits for calls whose runs have ended. After the bus was drained.
  Async<void> close();

 private:
  // One permit for each call of a run that may be under way at once.
  using Permits = std::shared_ptr<async::Semaphore>;

  Async<RunScopePtr> admit(codemode::v1::RunRequest request, RequestContext context);
  Async<codemode::v1::RunFinal> run(
      RunScopePtr scope, ConsoleWriter* console, std::uint32_t* calls
  );
  // The script may run, or is ended.
  Async<void> review(RunScope* scope, const codemode::v1::Check* check);
  codemode::v1::RunFinal final_of(RunScope& scope, runner::Finished finished, Duration took);
  Result<std::unique_ptr<Script>> start(const RunScope& scope);
  Async<void> serve_call(RunScopePtr scope, Permits permits, ScriptCall call);
  Async<codemode::v1::RunFinal> finish(RunScopePtr scope, codemode::v1::RunFinal final);
  void abandon(const RunScope& scope, std::uint32_t calls, const Error& error);
  void announce(const RunScope& scope, std::string state);
  void count(const std::string& outcome, double seconds);

  Deps deps_;
  std::map<std::string, RunScope*, std::less<>> under_way_;  // by run id
  async::TaskGroup calls_;
};

}  // namespace sluice::codemode_sandbox
