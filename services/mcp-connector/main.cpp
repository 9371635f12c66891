// mcp-connector: connects to MCP servers, discovers their tools, and carries out what policy-engine
// granted. The only file in this service that names concrete adapters.
#include "services/mcp-connector/adapters/bus_ports.h"
#include "services/mcp-connector/adapters/link_openers.h"
#include "services/mcp-connector/adapters/postgres_servers.h"
#include "services/mcp-connector/adapters/postgres_tokens.h"
#include "services/mcp-connector/adapters/redis_connection_state.h"
#include "services/mcp-connector/adapters/redis_leases.h"
#include "services/mcp-connector/adapters/redis_nonces.h"
#include "services/mcp-connector/config.h"
#include "services/mcp-connector/config_api.h"
#include "services/mcp-connector/connections/added_servers.h"
#include "services/mcp-connector/connections/call_meter.h"
#include "services/mcp-connector/handlers/catalog.h"
#include "services/mcp-connector/handlers/input.h"
#include "services/mcp-connector/handlers/manage.h"
#include "services/mcp-connector/handlers/manage_servers.h"
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/handlers/server_catalog.h"
#include "services/mcp-connector/oauth/authorizer.h"
#include "services/mcp-connector/oauth/flow.h"
#include "services/mcp-connector/oauth/limits.h"

#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/redis/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"
#include "common/service/trusted_keys.h"

#include "proto/endpoints.h"

namespace sluice::mcp_connector {
namespace {

// How servers are reached: with tokens where they want them.
struct Outgoing {
  Outgoing(const service::Runtime& runtime, postgres::Pool* pool, const crypto::SealingKey& key)
      : client(http::Client::make(
            runtime.executor(), runtime.clock(), {.response_bytes_max = oauth::kBodyBytesMax}
        )),
        tokens({.pool = pool, .clock = runtime.clock(), .key = key}),
        endpoints({.clock = runtime.clock(), .client = client.get()}),
        authorizer(
            {.executor = runtime.executor(),
             .clock = runtime.clock(),
             .log = runtime.log(),
             .store = &tokens,
             .endpoints = &endpoints,
             .seed = crypto::random_u64()}
        ),
        flow({.log = runtime.log(), .store = &tokens, .endpoints = &endpoints}),
        opener(
            {.executor = runtime.executor(),
             .clock = runtime.clock(),
             .log = runtime.log(),
             .environment = config::process_environment()},
            &authorizer
        ) {}

  std::unique_ptr<http::Client> client;  // of OAuth
  PostgresTokens tokens;
  oauth::Endpoints endpoints;
  oauth::Authorizer authorizer;
  oauth::AuthorizationFlow flow;
  LinkOpeners opener;
};

struct Ports {
  Ports(
      const service::Runtime& runtime,
      redis::Client* redis,
      bus::Bus* bus,
      postgres::Pool* postgres,
      const crypto::SealingKey& key
  )
      : leases({.redis = redis, .clock = runtime.clock(), .instance = runtime.instance()}),
        copies(redis),
        nonces(redis),
        announcer(bus, runtime.log()),
        call_ends(bus, runtime.log()),
        meter(
            {.clock = runtime.clock(), .log = runtime.log(), .nonces = &nonces, .ends = &call_ends}
        ),
        holders(bus),
        subjects(bus),
        stored({.pool = postgres, .clock = runtime.clock(), .key = key}),
        known(&copies) {}

  RedisLeases leases;
  RedisConnectionState copies;
  RedisNonces nonces;
  BusAnnouncer announcer;
  BusCallEnds call_ends;
  CallMeter meter;
  BusHolders holders;
  BusSubjects subjects;
  PostgresServers stored;
  KnownCatalogs known;
};

// The servers added by API: what reads and what changes them. Life: start(), at the end await
// stop().
struct Management {
  Management(
      const service::Runtime& runtime,
      Ports* ports,
      ServerPool* pool,
      MergedCatalog* catalog,
      const ApiSettings* settings,
      audit::Client* audit
  )
      : added(
            {.clock = runtime.clock(),
             .log = runtime.log(),
             .store = &ports->stored,
             .pool = pool,
             .announcer = &ports->announcer,
             .known = &ports->known,
             .settings = settings}
        ),
        operations(
            {.pool = pool,
             .catalog = catalog,
             .added = &added,
             .store = &ports->stored,
             .announcer = &ports->announcer,
             .settings = settings,
             .audit = audit}
        ),
        tasks(runtime.executor(), [log = runtime.log()](std::string_view name, const Error& error) {
          log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
        }) {}

  Result<void> start(const service::Runtime& runtime, bus::Bus* bus) {
    SLUICE_TRY(
        changes,
        bus->listen<connector::v1::ServersChanged>(
            endpoints::kServersChanged,
            [this](const connector::v1::ServersChanged&) { added.heard(); }
        )
    );
    // Until they were read once; later those known are served on without Postgres.
    runtime.add_readiness_check("servers", [this] { return added.missing(); });
    tasks.spawn("added-servers", added.run());
    return {};
  }

  Async<void> stop() {
    added.stop();
    return tasks.close();
  }

  AddedServers added;
  ServerOperations operations;
  async::TaskGroup tasks;
  std::unique_ptr<bus::Subscription> changes;
};

// NOLINTNEXTLINE(readability-function-size): wiring is a list
Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections and keys. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(const auto grant_keys, service::trusted_keys(runtime, "grant-keys"));
  SLUICE_CO_TRY(const auto token_keys, service::trusted_keys(runtime, "token-keys"));
  SLUICE_CO_TRY(auto link, co_await service::connect(runtime, config.bus, config.audit));
  SLUICE_CO_TRY(config.redis.password, runtime.secret("redis.password"));
  SLUICE_CO_TRY(
      const auto redis,
      co_await redis::connect(runtime.executor(), runtime.clock(), runtime.log(), config.redis)
  );
  // Connects at first use: without Postgres everything goes on but what is kept there.
  SLUICE_CO_TRY(config.postgres.password, runtime.secret("postgres.password"));
  SLUICE_CO_TRY(const auto store_key_text, runtime.secret("store.key"));
  SLUICE_CO_TRY(const auto store_key, crypto::SealingKey::from_hex(store_key_text));
  const auto postgres = postgres::Pool::open(runtime.clock(), runtime.log(), config.postgres);

  // 2. Ports, filled with real things.
  Ports ports(runtime, redis.get(), link.bus.get(), postgres.get(), store_key);
  Outgoing outgoing(runtime, postgres.get(), store_key);

  // 3. Connections to servers, and handlers. From here down everything is covered by unit tests.
  ServerPool pool(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .opener = &outgoing.opener,
       .leases = &ports.leases,
       .states = &ports.known,
       .announcer = &ports.announcer,
       .subjects = &ports.subjects,
       .audit = link.audit.get(),
       .instance = runtime.instance(),
       .seed = 0,
       .held = {}},
      crypto::random_u64(),
      &config.servers
  );
  PolicyVersions policy;
  InputHandler input(
      {.clock = runtime.clock(),
       .log = runtime.log(),
       .audit = link.audit.get(),
       .token_keys = token_keys.get()}
  );
  RequestHandler request(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .audit = link.audit.get(),
       .nonces = &ports.nonces,
       .pool = &pool,
       .parked = input.parked(),
       .meter = &ports.meter,
       .policy = &policy,
       .grant_keys = grant_keys.get(),
       .token_keys = token_keys.get()}
  );
  ServerCatalogHandler server_catalog({.pool = &pool});
  MergedCatalog merged(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .pool = &pool,
       .holders = &ports.holders,
       .known = &ports.known}
  );
  CatalogHandler catalog({.catalog = &merged});
  OAuthOperations oauth_operations(
      {.flow = &outgoing.flow, .catalog = &merged, .audit = link.audit.get()}
  );
  take_environment(config::process_environment(), &config.api);
  Management management(runtime, &ports, &pool, &merged, &config.api, link.audit.get());
  ManageHandler manage(
      {.clock = runtime.clock(),
       .catalog = &merged,
       .pool = &pool,
       .servers = &management.operations,
       .token_keys = token_keys.get(),
       .audit = link.audit.get(),
       .oauth = &oauth_operations}
  );

  // 4. Subjects, then run until SIGTERM and drain.
  ports.subjects.use(&request, &input, &server_catalog);
  runtime.add_readiness_check("redis", [client = redis.get()] {
    return std::string(client->connected() ? "" : "Redis is not connected");
  });
  SLUICE_CO_TRY(
      const auto beats,
      link.bus->listen<policy::v1::PolicyBeat>(
          endpoints::kPolicyBeat,
          [&policy](policy::v1::PolicyBeat beat) { policy.heard(beat.policy_version()); }
      )
  );
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kConnectorCatalog, catalog));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kConnectorManage, manage));
  SLUICE_CO_CHECK_OK(management.start(runtime, link.bus.get()));
  pool.start();
  const auto stopped = co_await runtime.stopped();

  const TimePoint deadline = runtime.clock()->now() + config.drain_timeout;
  const auto drained = co_await link.bus->drain(deadline);
  const auto unread = co_await management.stop();
  const auto calls = co_await request.close();
  const auto gathered = co_await merged.close();
  const auto ended = co_await pool.stop();
  const auto authorized = co_await outgoing.authorizer.close();
  const auto sent = co_await service::drain(runtime, &link, deadline);
  const auto closed = co_await redis->close();
  for (const auto* step :
       {&stopped, &drained, &unread, &calls, &gathered, &ended, &authorized, &sent, &closed}) {
    if (!step->ok()) {
      runtime.log()->warn("drain-incomplete", {{"error", step->error().to_log()}});
    }
  }
  co_return Result<void>();
}

}  // namespace
}  // namespace sluice::mcp_connector

int main(int argc, char** argv) {
  return sluice::service::run<sluice::mcp_connector::Config>(
      "mcp-connector", argc, argv, sluice::mcp_connector::serve
  );
}
