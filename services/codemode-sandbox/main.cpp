// codemode-sandbox: checks who runs which script, hands it to a runner, and takes each of its tool
// calls through policy-engine and mcp-connector. The only file in this service that names concrete
// adapters.
#include "services/codemode-sandbox/adapters/bus_ports.h"
#include "services/codemode-sandbox/adapters/redis_run_store.h"
#include "services/codemode-sandbox/adapters/runner_link.h"
#include "services/codemode-sandbox/config.h"
#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/domain/run_keeper.h"
#include "services/codemode-sandbox/handlers/describe.h"
#include "services/codemode-sandbox/handlers/run.h"
#include "services/codemode-sandbox/handlers/runs.h"
#include "services/codemode-sandbox/limits.h"

#include "common/redis/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"
#include "common/service/trusted_keys.h"

#include "proto/endpoints.h"

namespace sluice::codemode_sandbox {
namespace {

// Documents of runs, for people: where they are, and what keeps them.
struct RunRecords {
  static Async<std::unique_ptr<RunRecords>> open(
      service::Runtime runtime, redis::Options options, bus::Bus* bus, RunLimits limits
  ) {
    SLUICE_CO_TRY(options.password, runtime.secret("redis.password"));
    SLUICE_CO_TRY(
        auto client,
        co_await redis::connect(
            runtime.executor(), runtime.clock(), runtime.log(), std::move(options)
        )
    );
    co_return std::make_unique<RunRecords>(runtime, std::move(client), bus, limits);
  }

  RunRecords(
      const service::Runtime& runtime,
      std::unique_ptr<redis::Client> client,
      bus::Bus* bus,
      const RunLimits& limits
  )
      : redis(std::move(client)),
        store(redis.get()),
        canceller(bus),
        keeper(
            {.executor = runtime.executor(),
             .list = &list,
             .store = &store,
             .clock = runtime.clock(),
             .log = runtime.log(),
             .metrics = runtime.metrics()}
        ) {
    list.show_limits(limits);
  }

  // After the last run.
  Async<void> close() {
    SLUICE_CO_CHECK_OK(co_await keeper.close());
    co_return co_await redis->close();
  }

  std::unique_ptr<redis::Client> redis;
  RedisRunStore store;
  BusRunCanceller canceller;
  RunList list;
  RunKeeper keeper;
};

// NOLINTNEXTLINE(readability-function-size): wiring is a list
Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Keys and connections. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(const auto keys, service::trusted_keys(runtime, "token-keys"));
  SLUICE_CO_TRY(service::Link link, co_await service::connect(runtime, config.bus, config.audit));
  SLUICE_CO_TRY(
      const auto records,
      co_await RunRecords::open(runtime, config.redis, link.bus.get(), config.limits)
  );
  SLUICE_CO_TRY(
      const auto runner_link,
      RunnerLink::open(
          runtime.executor(), runtime.log(), config.runner_directory, runtime.instance()
      )
  );

  // 2. Ports, filled with real things.
  BusPolicyEngine policy(link.bus.get());
  BusToolServers servers(link.bus.get());
  BusAuditJournal journal(link.bus.get());
  BusRunAnnouncer announcer(link.bus.get(), runtime.log());
  Dispatcher dispatcher(
      {.clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .sender = runner_link.get(),
       .runs_max = config.runs_max}
  );
  const CallerCheck callers(keys.get(), runtime.clock());

  // 3. Handlers. From here down everything is covered by unit tests.
  RunList& list = records->list;
  async::KeyWatch approvals;
  ParkingLot lot{.time_max = config.park_time, .runs_max = config.parked_max};
  ScriptApis apis({.policy = &policy, .servers = &servers, .binding = config.binding});
  ToolCaller tools(
      {.apis = &apis,
       .policy = &policy,
       .servers = &servers,
       .journal = &journal,
       .approvals = &approvals,
       .lot = &lot,
       .list = &list,
       .audit = link.audit.get(),
       .clock = runtime.clock(),
       .metrics = runtime.metrics()}
  );
  ScriptReview review({.policy = &policy, .clock = runtime.clock(), .escapes = config.escapes});
  RunHandler run(
      {.executor = runtime.executor(),
       .callers = &callers,
       .runners = &dispatcher,
       .apis = &apis,
       .review = &review,
       .tools = &tools,
       .announcer = &announcer,
       .list = &list,
       .audit = link.audit.get(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .limits = config.limits}
  );
  DescribeHandler describe({.callers = &callers, .apis = &apis});
  RunsHandler runs(
      {&callers, &list, &records->store, &records->canceller, link.audit.get(), runtime.clock()}
  );

  // 4. Routes, then run until SIGTERM and drain.
  async::TaskGroup tasks(
      runtime.executor(),
      [log = runtime.log()](std::string_view name, const Error& error) {
        log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
      }
  );
  SLUICE_CO_TRY(
      const auto changed_approvals,
      link.bus->listen(
          endpoints::kApprovalChanged,
          std::function<void(policy::v1::ApprovalChanged)>(
              [&approvals](const policy::v1::ApprovalChanged& changed) {
                approvals.heard(changed.id());
              }
          )
      )
  );
  SLUICE_CO_TRY(
      const auto cancelled_runs,
      link.bus->listen(
          endpoints::kRunCancelled,
          std::function<void(codemode::v1::RunCancelled)>(
              [&run](const codemode::v1::RunCancelled& cancelled) {
                run.cancel(cancelled.run_id(), cancelled.by());
              }
          )
      )
  );
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeRun, run));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeDescribe, describe));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kCodemodeRuns, runs));
  tasks.spawn("runner-link", runner_link->run(&dispatcher));
  tasks.spawn("runner-time", keep_time(&dispatcher, runtime.clock()));
  tasks.spawn("run-documents", records->keeper.run());
  const auto stopped = co_await runtime.stopped();

  const TimePoint deadline = runtime.clock()->now() + kDrainTimeout;
  const auto drained = co_await link.bus->drain(deadline);
  const auto calls = co_await run.close();
  const auto closed = co_await tasks.cancel_and_close();
  const auto sent = co_await service::drain(runtime, &link, deadline);
  const auto kept = co_await records->close();
  for (const auto* step : {&stopped, &drained, &calls, &closed, &sent, &kept}) {
    if (!step->ok()) {
      runtime.log()->warn("drain-incomplete", {{"error", step->error().to_log()}});
    }
  }
  co_return Result<void>();
}

}  // namespace
}  // namespace sluice::codemode_sandbox

int main(int argc, char** argv) {
  return sluice::service::run("codemode-sandbox", argc, argv, sluice::codemode_sandbox::serve);
}
