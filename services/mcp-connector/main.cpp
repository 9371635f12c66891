// mcp-connector: connects to MCP servers, discovers their tools, and carries out what policy-engine
// granted. The only file in this service that names concrete adapters.
#include "services/mcp-connector/adapters/bus_ports.h"
#include "services/mcp-connector/adapters/link_openers.h"
#include "services/mcp-connector/adapters/postgres_tokens.h"
#include "services/mcp-connector/adapters/redis_connection_state.h"
#include "services/mcp-connector/adapters/redis_leases.h"
#include "services/mcp-connector/adapters/redis_nonces.h"
#include "services/mcp-connector/config.h"
#include "services/mcp-connector/handlers/catalog.h"
#include "services/mcp-connector/handlers/input.h"
#include "services/mcp-connector/handlers/manage.h"
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/handlers/server_catalog.h"
#include "services/mcp-connector/oauth/authorizer.h"
#include "services/mcp-connector/oauth/flow.h"
#include "services/mcp-connector/oauth/limits.h"

#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/grant/grant.h"
#include "common/redis/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"

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

// NOLINTNEXTLINE(readability-function-size): wiring is a list
Async<void> serve(service::Runtime runtime, Config config) {
  // 1. Connections and keys. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(const auto grant_keys, grant::KeyRing::load(runtime.secret_path("grant-keys/")));
  SLUICE_CO_TRY(const auto token_keys, grant::KeyRing::load(runtime.secret_path("token-keys/")));
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
  Outgoing outgoing(runtime, postgres.get(), store_key);
  RedisLeases leases(
      {.redis = redis.get(), .clock = runtime.clock(), .instance = runtime.instance()}
  );
  RedisConnectionState copies(redis.get());
  RedisNonces nonces(redis.get());
  BusAnnouncer announcer(link.bus.get(), runtime.log());
  BusHolders holders(link.bus.get());
  BusSubjects subjects(link.bus.get());

  // 3. Connections to servers, and handlers. From here down everything is covered by unit tests.
  KnownCatalogs known(&copies);
  ServerPool pool(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .opener = &outgoing.opener,
       .leases = &leases,
       .states = &known,
       .announcer = &announcer,
       .subjects = &subjects,
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
       .token_keys = &token_keys}
  );
  RequestHandler request(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .metrics = runtime.metrics(),
       .audit = link.audit.get(),
       .nonces = &nonces,
       .pool = &pool,
       .parked = input.parked(),
       .policy = &policy,
       .grant_keys = &grant_keys,
       .token_keys = &token_keys}
  );
  ServerCatalogHandler server_catalog({.pool = &pool});
  MergedCatalog merged(
      {.executor = runtime.executor(),
       .clock = runtime.clock(),
       .log = runtime.log(),
       .pool = &pool,
       .holders = &holders,
       .known = &known}
  );
  CatalogHandler catalog({.catalog = &merged});
  ManageHandler manage(
      {.clock = runtime.clock(),
       .catalog = &merged,
       .servers = &config.servers,
       .token_keys = &token_keys,
       .audit = link.audit.get()}
  );

  // 4. Subjects, then run until SIGTERM and drain.
  subjects.use(&request, &input, &server_catalog);
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
  pool.start();
  const auto stopped = co_await runtime.stopped();

  const TimePoint deadline = runtime.clock()->now() + config.drain_timeout;
  const auto drained = co_await link.bus->drain(deadline);
  const auto calls = co_await request.close();
  const auto gathered = co_await merged.close();
  const auto ended = co_await pool.stop();
  const auto authorized = co_await outgoing.authorizer.close();
  const auto sent = co_await service::drain(runtime, &link, deadline);
  const auto closed = co_await redis->close();
  for (const auto* step :
       {&stopped, &drained, &calls, &gathered, &ended, &authorized, &sent, &closed}) {
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
