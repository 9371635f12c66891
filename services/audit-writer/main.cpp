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
#include "common/service/trusted_keys.h"

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

// Everything that answers or works in the background, over its ports.
struct Handlers {
  CommitHandler commit;
  VoidGrantHandler void_grant;
  QueryHandler query;
  VerifyHandler verify;
  JournalHandler journal;
  RecordHandler record;
  Housekeeping housekeeping;

  struct Deps {
    const service::Runtime& runtime;
    AuditStore* store;
    const grant::KeyRing* token_keys;
    crypto::SealingKey body_key;
    const service::Link& link;
  };

  explicit Handlers(const Deps& deps)
      : commit({deps.store, deps.runtime.clock(), deps.runtime.log(), deps.runtime.metrics()}),
        void_grant(deps.store),
        query({deps.store, deps.token_keys, deps.link.audit.get(), deps.runtime.clock()}),
        verify({deps.store, deps.token_keys, deps.link.audit.get(), deps.runtime.clock()}),
        journal({deps.store, deps.token_keys, deps.runtime.clock(), deps.body_key}),
        record(
            {deps.store,
             deps.link.transport.get(),
             deps.link.audit.get(),
             deps.runtime.clock(),
             deps.runtime.log(),
             deps.runtime.metrics(),
             deps.body_key}
        ),
        housekeeping(deps.store, deps.runtime.clock(), deps.runtime.log()) {}

  [[nodiscard]] Result<void> serve(bus::Bus& bus) {
    SLUICE_CHECK_OK(bus.serve(endpoints::kAuditCommit, commit));
    SLUICE_CHECK_OK(bus.serve(endpoints::kAuditVoidGrant, void_grant));
    SLUICE_CHECK_OK(bus.serve(endpoints::kAuditQuery, query));
    SLUICE_CHECK_OK(bus.serve(endpoints::kAuditVerify, verify));
    return bus.serve(endpoints::kAuditJournal, journal);
  }
};

// Until SIGTERM, then what is under way until the drain timeout.
Async<void> serve_until_stopped(
    service::Runtime runtime,
    Handlers* handlers,
    service::Link* link,
    std::chrono::milliseconds drain_timeout
) {
  async::TaskGroup tasks(
      runtime.executor(),
      [log = runtime.log()](std::string_view name, const Error& error) {
        log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
      }
  );
  tasks.spawn("commit", handlers->commit.run());
  tasks.spawn("record", handlers->record.run());
  tasks.spawn("housekeeping", handlers->housekeeping.run());
  Result<void> stopped = handlers->serve(*link->bus);
  if (stopped.ok()) {
    stopped = co_await runtime.stopped();
  }
  handlers->record.stop();
  const auto drained =
      co_await service::drain(runtime, link, runtime.clock()->now() + drain_timeout);
  SLUICE_CO_CHECK_OK(co_await tasks.cancel_and_close());
  SLUICE_CO_CHECK_OK(stopped);
  co_return drained;
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
  SLUICE_CO_TRY(const auto token_keys, service::trusted_keys(runtime, "token-keys"));
  SLUICE_CO_TRY(const auto body_key_text, runtime.secret("body.key"));
  SLUICE_CO_TRY(const auto body_key, crypto::SealingKey::from_hex(body_key_text));

  // 3. Handlers. From here down everything is covered by unit tests.
  Handlers handlers({runtime, &store, token_keys.get(), body_key, link});
  const std::function<Async<void>()> prepare = [&handlers] {
    return handlers.housekeeping.begin();
  };
  SLUICE_CO_CHECK_OK(co_await patiently(runtime, prepare));
  runtime.add_readiness_check("intake", [&handlers] { return handlers.record.interruption(); });

  // 4. Routes, then run until SIGTERM and drain.
  co_return co_await serve_until_stopped(runtime, &handlers, &link, config.drain_timeout);
}

}  // namespace
}  // namespace sluice::audit_writer

int main(int argc, char** argv) {
  return sluice::service::run<sluice::audit_writer::Config>(
      "audit-writer", argc, argv, sluice::audit_writer::serve
  );
}
