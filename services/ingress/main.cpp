// ingress: the HTTP front door: chat with the caller's tools attached, tools executed under a
// grant, models, servers. The only file in this service that names concrete adapters.
#include "services/ingress/adapters/bus_audit_journal.h"
#include "services/ingress/adapters/bus_policy_engine.h"
#include "services/ingress/adapters/bus_provider_router.h"
#include "services/ingress/adapters/bus_tool_servers.h"
#include "services/ingress/adapters/redis_tool_calls.h"
#include "services/ingress/config.h"
#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/domain/version_watch.h"
#include "services/ingress/routes.h"

#include "common/http/server.h"
#include "common/redis/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"

#include "proto/endpoints.h"

namespace sluice::ingress {
namespace {

// What policy-engine and mcp-connector announce keeps the caches true.
struct Listening {
  std::unique_ptr<bus::Subscription> beats;
  std::unique_ptr<bus::Subscription> catalog;
  std::unique_ptr<bus::Subscription> servers;
};

Result<Listening> listen(bus::Bus& bus, VersionWatch& versions, async::Clock* clock) {
  Listening listening;
  const auto beat = [&versions, clock](policy::v1::PolicyBeat message) {
    versions.heard(message, clock->now());
  };
  SLUICE_TRY(
      listening.beats,
      bus.listen(endpoints::kPolicyBeat, std::function<void(policy::v1::PolicyBeat)>(beat))
  );
  const auto changed = [&versions](connector::v1::CatalogChanged) { versions.catalog_changed(); };
  SLUICE_TRY(
      listening.catalog,
      bus.listen(
          endpoints::kCatalogChanged, std::function<void(connector::v1::CatalogChanged)>(changed)
      )
  );
  const auto moved = [&versions](connector::v1::ServerChanged) { versions.catalog_changed(); };
  SLUICE_TRY(
      listening.servers,
      bus.listen(
          endpoints::kServerChanged, std::function<void(connector::v1::ServerChanged)>(moved)
      )
  );
  return listening;
}

Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(auto link, co_await service::connect(runtime, config.bus, config.audit));
  SLUICE_CO_TRY(config.redis.password, runtime.secret("redis.password"));
  SLUICE_CO_TRY(
      const auto redis,
      co_await redis::connect(runtime.executor(), runtime.clock(), runtime.log(), config.redis)
  );
  async::TaskGroup tasks(
      runtime.executor(),
      [log = runtime.log()](std::string_view name, const Error& error) {
        log->warn("task-failed", {{"task", name}, {"error", error.to_log()}});
      }
  );

  // 2. Ports, filled with real things.
  BusPolicyEngine policy(link.bus.get());
  BusProviderRouter provider(link.bus.get());
  BusToolServers servers(link.bus.get());
  BusAuditJournal journal(link.bus.get());
  RedisToolCalls tool_calls(redis.get());

  // 3. Handlers. From here down everything is covered by unit tests.
  VersionWatch versions;
  SLUICE_CO_TRY(const auto listening, listen(*link.bus, versions, runtime.clock()));
  Trail trail(link.audit.get(), config.record_body_bytes_max);
  Authenticator authenticator(
      {.policy = &policy, .clock = runtime.clock(), .versions = &versions, .tasks = &tasks}
  );
  Admission admission(
      {.authenticator = &authenticator,
       .audit = link.audit.get(),
       .trail = &trail,
       .clock = runtime.clock(),
       .metrics = runtime.metrics()}
  );
  CatalogSource catalog(
      {.policy = &policy,
       .servers = &servers,
       .clock = runtime.clock(),
       .versions = &versions,
       .tasks = &tasks}
  );
  ChainFinder chains({.store = &tool_calls, .journal = &journal, .log = runtime.log()});
  ChatCompletionsHandler chat(
      {.admission = &admission,
       .catalog = &catalog,
       .chains = &chains,
       .provider = &provider,
       .trail = &trail,
       .audit = link.audit.get(),
       .clock = runtime.clock(),
       .metrics = runtime.metrics(),
       .injection =
           {.servers_configured = config.servers_configured,
            .only_on_request = config.disable_auto_tool_inject}}
  );
  EmbeddingsHandler embeddings(
      {.admission = &admission, .provider = &provider, .trail = &trail, .audit = link.audit.get()}
  );
  ModelsHandler models({.admission = &admission, .provider = &provider});
  ExecuteToolHandler execute(
      {.admission = &admission,
       .catalog = &catalog,
       .chains = &chains,
       .policy = &policy,
       .servers = &servers,
       .journal = &journal,
       .trail = &trail,
       .audit = link.audit.get(),
       .clock = runtime.clock(),
       .metrics = runtime.metrics(),
       .tool_timeout = config.tool_execution_timeout}
  );
  ServersHandler server_list({.admission = &admission, .servers = &servers});

  // 4. Routes, then run until SIGTERM and drain.
  SLUICE_CO_TRY(
      const auto server,
      http::Server::listen(
          {.executor = runtime.executor(),
           .clock = runtime.clock(),
           .log = runtime.log(),
           .metrics = runtime.metrics(),
           .service = "ingress"},
          config.http,
          routes(
              {chat, embeddings, models, execute, server_list},
              config.tool_execution_timeout + kExecuteSlack
          )
      )
  );
  runtime.publish_port("http", server->port());
  runtime.add_readiness_check("policy", [&versions, clock = runtime.clock()] {
    return versions.fresh(clock->now()) ? std::string()
                                        : std::string("no beat of policy-engine for 2 s");
  });
  tasks.spawn("http", server->serve());
  SLUICE_CO_CHECK_OK(co_await runtime.stopped());
  const TimePoint deadline = runtime.clock()->now() + config.drain_timeout;
  const auto http_drained = co_await server->drain(deadline);
  const auto link_drained =
      co_await service::drain(runtime, &link, deadline + std::chrono::seconds(2));
  SLUICE_CO_CHECK_OK(co_await tasks.cancel_and_close());
  SLUICE_CO_CHECK_OK(co_await redis->close());
  SLUICE_CO_CHECK_OK(http_drained);
  co_return link_drained;
}

}  // namespace
}  // namespace sluice::ingress

int main(int argc, char** argv) {
  return sluice::service::run<sluice::ingress::Config>(
      "ingress", argc, argv, sluice::ingress::serve
  );
}
