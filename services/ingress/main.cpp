// ingress: the HTTP front door: chat with the caller's tools attached, tools executed under a
// grant, models, servers. The only file in this service that names concrete adapters.
#include "services/ingress/adapters/bus_approvals.h"
#include "services/ingress/adapters/bus_audit_journal.h"
#include "services/ingress/adapters/bus_code_runner.h"
#include "services/ingress/adapters/bus_other_replicas.h"
#include "services/ingress/adapters/bus_policy_engine.h"
#include "services/ingress/adapters/bus_provider_router.h"
#include "services/ingress/adapters/bus_script_runs.h"
#include "services/ingress/adapters/bus_setup.h"
#include "services/ingress/adapters/bus_tool_servers.h"
#include "services/ingress/adapters/redis_mcp_events.h"
#include "services/ingress/adapters/redis_mcp_sessions.h"
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

// After requests in flight: for the audit outbox.
constexpr std::chrono::milliseconds kDrainReserve{2'000};

// What policy-engine and mcp-connector announce keeps the caches true.
struct Listening {
  std::unique_ptr<bus::Subscription> beats;
  std::unique_ptr<bus::Subscription> catalog;
  std::unique_ptr<bus::Subscription> servers;
  std::unique_ptr<bus::Subscription> resources;
  std::unique_ptr<bus::Subscription> messages;
  std::unique_ptr<bus::Subscription> approvals;
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

// What servers and other replicas tell goes to the clients it concerns.
Result<void> listen_for_clients(
    Listening* listening,
    bus::Bus& bus,
    McpStreams& streams,
    McpCalls& calls,
    ApprovalFeed& feed,
    async::KeyWatch& watch
) {
  const auto updated = [&streams](connector::v1::ResourceUpdated message) {
    streams.updated(message.server_id(), message.uri());
  };
  SLUICE_TRY(
      listening->resources,
      bus.listen(
          endpoints::kResourceUpdated, std::function<void(connector::v1::ResourceUpdated)>(updated)
      )
  );
  const auto changed = [&feed, &watch](policy::v1::ApprovalChanged message) {
    feed.heard(message);
    watch.heard(message.id());
  };
  SLUICE_TRY(
      listening->approvals,
      bus.listen(
          endpoints::kApprovalChanged, std::function<void(policy::v1::ApprovalChanged)>(changed)
      )
  );
  const auto told = [&calls](v1::ClientMessage message) { calls.heard(message); };
  SLUICE_TRY(
      listening->messages,
      bus.listen(endpoints::kClientMessage, std::function<void(v1::ClientMessage)>(told))
  );
  return {};
}

// Ports, filled with real things.
struct Ports {
  Ports(bus::Bus* bus, redis::Client* redis, async::Clock* clock)
      : policy(bus),
        setup(bus),
        provider(bus),
        servers(bus),
        scripts(bus),
        script_runs(bus),
        journal(bus),
        approvals(bus),
        replicas(bus),
        tool_calls(redis),
        mcp_sessions(redis, clock),
        mcp_events(redis) {}

  BusPolicyEngine policy;
  BusSetup setup;
  BusProviderRouter provider;
  BusToolServers servers;
  BusCodeRunner scripts;
  BusScriptRuns script_runs;
  BusAuditJournal journal;
  BusApprovals approvals;
  BusOtherReplicas replicas;
  RedisToolCalls tool_calls;
  RedisMcpSessions mcp_sessions;
  RedisMcpEvents mcp_events;
};

// Handlers and what they share. Covered by unit tests over fakes of the ports.
struct FrontDoor {
  FrontDoor(
      const service::Runtime& runtime,
      const Config& config,
      Ports& ports,
      audit::Client* audit,
      async::TaskGroup* tasks
  )
      : resource(config.resource),
        trail(audit, config.record_body_bytes_max),
        authenticator(
            {.policy = &ports.policy,
             .clock = runtime.clock(),
             .versions = versions.get(),
             .tasks = tasks}
        ),
        admission(
            {.authenticator = &authenticator,
             .audit = audit,
             .trail = &trail,
             .clock = runtime.clock(),
             .metrics = runtime.metrics()}
        ),
        catalog(
            {.policy = &ports.policy,
             .servers = &ports.servers,
             .clock = runtime.clock(),
             .versions = versions.get(),
             .tasks = tasks}
        ),
        chains({.store = &ports.tool_calls, .journal = &ports.journal, .log = runtime.log()}),
        chat(
            {.admission = &admission,
             .catalog = &catalog,
             .chains = &chains,
             .provider = &ports.provider,
             .tools = &tools,
             .code = &code,
             .trail = &trail,
             .audit = audit,
             .clock = runtime.clock(),
             .metrics = runtime.metrics(),
             .injection =
                 {.servers_configured = config.servers_configured,
                  .only_on_request = config.disable_auto_tool_inject},
             .agent_depth = config.agent_depth}
        ),
        embeddings(
            {.admission = &admission, .provider = &ports.provider, .trail = &trail, .audit = audit}
        ),
        models({.admission = &admission, .provider = &ports.provider}),
        code(
            {.admission = &admission,
             .runner = &ports.scripts,
             .clock = runtime.clock(),
             .run_time = config.run_time + config.park_time}
        ),
        sampler(
            {.provider = &ports.provider,
             .trail = &trail,
             .chains = &chains,
             .audit = audit,
             .metrics = runtime.metrics(),
             .settings = &config.sampling}
        ),
        tools(
            {.admission = &admission,
             .catalog = &catalog,
             .policy = &ports.policy,
             .servers = &ports.servers,
             .journal = &ports.journal,
             .sampler = &sampler,
             .trail = &trail,
             .audit = audit,
             .clock = runtime.clock(),
             .tool_timeout = config.tool_execution_timeout}
        ),
        execute(
            {.admission = &admission,
             .catalog = &catalog,
             .chains = &chains,
             .tools = &tools,
             .code = &code,
             .trail = &trail,
             .audit = audit,
             .metrics = runtime.metrics()}
        ),
        server_list({.admission = &admission, .servers = &ports.servers}),
        manage_servers({.admission = &admission, .servers = &ports.servers}),
        manage_policy({.admission = &admission, .policy = &ports.policy}),
        manage_keys({.admission = &admission, .policy = &ports.policy}),
        setup({.policy = &ports.setup, .audit = audit}),
        manage_pins({.admission = &admission, .policy = &ports.policy}),
        manage_runs({.admission = &admission, .runs = &ports.script_runs}),
        mcp_events({.store = &ports.mcp_events, .clock = runtime.clock(), .log = runtime.log()}),
        approvals(
            {.admission = &admission,
             .approvals = &ports.approvals,
             .feed = &approval_feed,
             .clock = runtime.clock()}
        ),
        mcp_calls(
            {.tasks = tasks,
             .replicas = &ports.replicas,
             .events = &mcp_events,
             .clock = runtime.clock(),
             .log = runtime.log()}
        ),
        mcp_approvals(
            {.approvals = &ports.approvals,
             .admission = &admission,
             .calls = &mcp_calls,
             .watch = &approval_watch,
             .clock = runtime.clock()}
        ),
        mcp_executions(
            {.admission = &admission,
             .chains = &chains,
             .tools = &tools,
             .sessions = &ports.mcp_sessions,
             .calls = &mcp_calls,
             .approvals = &mcp_approvals,
             .clock = runtime.clock(),
             .log = runtime.log()}
        ),
        subscriptions({.tools = &tools, .clock = runtime.clock(), .log = runtime.log()}),
        streams(
            {.admission = &admission,
             .catalog = &catalog,
             .sessions = &ports.mcp_sessions,
             .subscriptions = &subscriptions,
             .versions = versions.get(),
             .clock = runtime.clock()}
        ),
        mcp_methods(
            {.catalog = &catalog,
             .executions = &mcp_executions,
             .code = &code,
             .streams = &streams,
             .subscriptions = &subscriptions,
             .sessions = &ports.mcp_sessions,
             .trail = &trail,
             .audit = audit}
        ),
        mcp(
            {.admission = &admission,
             .sessions = &ports.mcp_sessions,
             .methods = &mcp_methods,
             .streams = &streams,
             .calls = &mcp_calls,
             .events = &mcp_events,
             .metrics = runtime.metrics(),
             .allowed_origins = config.allowed_origins,
             .resource = &resource}
        ),
        mcp_sse(
            {.admission = &admission,
             .mcp = &mcp,
             .tasks = tasks,
             .clock = runtime.clock(),
             .resource = &resource,
             .allowed_origins = config.allowed_origins}
        ),
        protected_resource(&resource),
        oauth_authorize(
            {.admission = &admission,
             .servers = &ports.servers,
             .public_url = config.public_url,
             .tls = !config.http.tls_certificate_file.empty()}
        ),
        oauth_callback({.servers = &ports.servers}) {
    versions->on_change([this] { streams.wake(); });
  }

  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;
  FrontDoor(FrontDoor&&) = delete;
  FrontDoor& operator=(FrontDoor&&) = delete;

  ~FrontDoor() { versions->on_change({}); }

  // Shared with the readiness check, which may outlive the rest by a moment.
  std::shared_ptr<VersionWatch> versions = std::make_shared<VersionWatch>();
  ProtectedResource resource;
  Trail trail;
  Authenticator authenticator;
  Admission admission;
  CatalogSource catalog;
  ChainFinder chains;
  ChatCompletionsHandler chat;
  EmbeddingsHandler embeddings;
  ModelsHandler models;
  CodeExecution code;
  Sampler sampler;
  ToolExecution tools;
  ExecuteToolHandler execute;
  ServersHandler server_list;
  ManageServersHandler manage_servers;
  ManagePolicyHandler manage_policy;
  ManageKeysHandler manage_keys;
  SetupHandler setup;
  ManagePinsHandler manage_pins;
  ManageRunsHandler manage_runs;
  McpEventLog mcp_events;
  ApprovalFeed approval_feed;
  ApprovalsHandler approvals;
  McpCalls mcp_calls;
  async::KeyWatch approval_watch;
  McpApprovals mcp_approvals;
  McpExecution mcp_executions;
  McpSubscriptions subscriptions;
  McpStreams streams;
  McpMethods mcp_methods;
  McpHandler mcp;
  McpSseHandler mcp_sse;
  ProtectedResourceHandler protected_resource;
  OAuthAuthorizeHandler oauth_authorize;
  OAuthCallbackHandler oauth_callback;
};

Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(config.redis.password, runtime.secret("redis.password"));
  SLUICE_CO_TRY(auto link, co_await service::connect(runtime, config.bus, config.audit));
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

  // 2. and 3. Ports and handlers.
  Ports ports(link.bus.get(), redis.get(), runtime.clock());
  FrontDoor door(runtime, config, ports, link.audit.get(), &tasks);
  SLUICE_CO_TRY(auto listening, listen(*link.bus, *door.versions, runtime.clock()));
  SLUICE_CO_CHECK_OK(listen_for_clients(
      &listening, *link.bus, door.streams, door.mcp_calls, door.approval_feed, door.approval_watch
  ));

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
              {door.chat,
               door.embeddings,
               door.models,
               door.execute,
               door.server_list,
               door.manage_servers,
               door.manage_policy,
               door.manage_pins,
               door.approvals,
               door.mcp,
               door.oauth_authorize,
               door.oauth_callback,
               door.manage_keys,
               door.setup,
               config.legacy_sse ? &door.mcp_sse : nullptr,
               &door.protected_resource,
               &door.manage_runs},
              std::max(
                  config.tool_execution_timeout, config.run_time + config.park_time + kRunWait
              ) + kExecuteSlack,
              config.virtual_servers
          )
      )
  );
  runtime.publish_port("http", server->port());
  runtime.add_readiness_check("policy", [versions = door.versions, clock = runtime.clock()] {
    return versions->fresh(clock->now()) ? std::string()
                                         : std::string("no beat of policy-engine for 2 s");
  });
  tasks.spawn("http", server->serve());
  tasks.spawn("mcp-events", door.mcp_events.run());
  const auto stopped = co_await runtime.stopped();
  const TimePoint deadline = runtime.clock()->now() + config.drain_timeout;
  door.streams.stop();
  door.mcp_sse.stop();
  door.mcp_events.stop();
  door.approval_feed.stop();
  const auto http_drained = co_await server->drain(deadline);
  const auto closed = co_await tasks.cancel_and_close();
  listening = {};
  const auto link_drained = co_await service::drain(runtime, &link, deadline + kDrainReserve);
  const auto redis_closed = co_await redis->close();
  for (const auto& ended : {stopped, http_drained, closed, redis_closed}) {
    SLUICE_CO_CHECK_OK(ended);
  }
  co_return link_drained;
}

}  // namespace
}  // namespace sluice::ingress

int main(int argc, char** argv) {
  return sluice::service::run<sluice::ingress::Config>(
      "ingress", argc, argv, sluice::ingress::serve
  );
}
