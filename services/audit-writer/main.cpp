// audit-writer: the only writer of the audit trail.
// The only file in this service that names concrete adapters.
#include "services/audit-writer/adapters/nats_monitor.h"
#include "services/audit-writer/adapters/pg_audit_store.h"
#include "services/audit-writer/config.h"
#include "services/audit-writer/domain/broker_check.h"
#include "services/audit-writer/handlers/commit.h"
#include "services/audit-writer/handlers/housekeeping.h"
#include "services/audit-writer/handlers/journal.h"
#include "services/audit-writer/handlers/query.h"
#include "services/audit-writer/handlers/record.h"
#include "services/audit-writer/handlers/verify.h"
#include "services/audit-writer/handlers/void_grant.h"
#include "services/audit-writer/limits.h"

#include "common/async/retry.h"
#include "common/crypto/random.h"
#include "common/service/connect.h"
#include "common/service/run.h"

#include <algorithm>
#include <functional>

namespace sluice::audit_writer {
namespace {

// Broker and database may start after us: wait for them a while.
template <class T>
Async<T> patiently(service::Runtime runtime, std::function<Async<T>()> attempt) {
  const async::RetryPolicy policy{.attempts_max = 100, .wait_max = std::chrono::milliseconds(1000)};
  co_return co_await async::retry<T>(
      runtime.clock(),
      runtime.clock()->now() + kStartTimeout,
      policy,
      crypto::random_u64(),
      std::move(attempt)
  );
}

Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections. Closed in reverse order when this frame ends.
  const auto http_client = http::Client::make(runtime.executor(), runtime.clock(), {});
  NatsMonitor monitor(http_client.get(), runtime.clock(), config.monitor_url);
  const std::function<Async<BrokerState>()> ask = [&monitor] { return monitor.state(); };
  SLUICE_CO_TRY(const BrokerState broker, co_await patiently(runtime, ask));
  SLUICE_CO_CHECK_OK(check_durable(broker));
  SLUICE_CO_TRY(config.postgres.password, runtime.secret("postgres.password"));
  postgres::Options reports = config.postgres;
  config.postgres.connections = std::max(config.postgres.connections, kConnectionsMin);
  reports.connections = kReportConnections;
  reports.statement_timeout = kReportStatementTimeout;
  const auto pool = postgres::Pool::open(runtime.clock(), runtime.log(), config.postgres);
  const auto report_pool = postgres::Pool::open(runtime.clock(), runtime.log(), reports);
  SLUICE_CO_TRY(auto link, co_await service::connect(runtime, config.bus, config.audit));

  // 2. Ports, filled with real things.
  PgAuditStore store(pool.get(), report_pool.get());
  SLUICE_CO_TRY(const auto token_keys, grant::KeyRing::load(runtime.secret_path("token-keys")));
  SLUICE_CO_TRY(const auto body_key_text, runtime.secret("body.key"));
  SLUICE_CO_TRY(const auto body_key, crypto::SealingKey::from_hex(body_key_text));

  // 3. Handlers. From here down everything is covered by unit tests.
  CommitHandler commit(
      {.store = &store, .clock = runtime.clock(), .log = runtime.log(), .metrics = runtime.metrics()
      }
  );
  VoidGrantHandler void_grant(&store);
  QueryHandler query(
      {.store = &store, .keys = &token_keys, .audit = link.audit.get(), .clock = runtime.clock()}
  );
  VerifyHandler verify(
      {.store = &store, .keys = &token_keys, .audit = link.audit.get(), .clock = runtime.clock()}
  );
  JournalHandler journal(
      {.store = &store, .keys = &token_keys, .clock = runtime.clock(), .key = body_key}
  );
  RecordHandler record(
      {.store = &store,
       .transport = link.transport.get(),
       .audit = link.audit.get(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .key = body_key}
  );
  Housekeeping housekeeping(&store, runtime.clock(), runtime.log());
  const std::function<Async<void>()> prepare = [&housekeeping] { return housekeeping.round(); };
  SLUICE_CO_CHECK_OK(co_await patiently(runtime, prepare));

  runtime.add_readiness_check("intake", [&record] { return record.interruption(); });

  // 4. Routes, then run until SIGTERM and drain.
  async::TaskGroup tasks(
      runtime.executor(),
      [log = runtime.log()](std::string_view name, const Error& error) {
        log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
      }
  );
  tasks.spawn("commit", commit.run());
  tasks.spawn("record", record.run());
  tasks.spawn("housekeeping", housekeeping.run());
  const Result<void> served = [&]() -> Result<void> {
    SLUICE_CHECK_OK(link.bus->serve(endpoints::kAuditCommit, commit));
    SLUICE_CHECK_OK(link.bus->serve(endpoints::kAuditVoidGrant, void_grant));
    SLUICE_CHECK_OK(link.bus->serve(endpoints::kAuditQuery, query));
    SLUICE_CHECK_OK(link.bus->serve(endpoints::kAuditVerify, verify));
    return link.bus->serve(endpoints::kAuditJournal, journal);
  }();
  Result<void> stopped = served;
  if (served.ok()) {
    stopped = co_await runtime.stopped();
  }
  const auto drained =
      co_await service::drain(runtime, &link, runtime.clock()->now() + config.drain_timeout);
  SLUICE_CO_CHECK_OK(co_await tasks.cancel_and_close());
  SLUICE_CO_CHECK_OK(stopped);
  co_return drained;
}

}  // namespace
}  // namespace sluice::audit_writer

int main(int argc, char** argv) {
  return sluice::service::run<sluice::audit_writer::Config>(
      "audit-writer", argc, argv, sluice::audit_writer::serve
  );
}
