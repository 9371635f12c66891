// policy-engine: says who a caller is and what may be done with a tool, and signs grants for it.
// The only file in this service that names concrete adapters.
#include "services/policy-engine/adapters/bus_ports.h"
#include "services/policy-engine/adapters/http_key_sets.h"
#include "services/policy-engine/adapters/http_webhook.h"
#include "services/policy-engine/adapters/pg_approval_store.h"
#include "services/policy-engine/adapters/pg_pin_store.h"
#include "services/policy-engine/adapters/pg_policy_store.h"
#include "services/policy-engine/adapters/pg_version_store.h"
#include "services/policy-engine/adapters/pg_webhook_store.h"
#include "services/policy-engine/adapters/redis_call_counters.h"
#include "services/policy-engine/adapters/settings_on_disk.h"
#include "services/policy-engine/adapters/signing_keys.h"
#include "services/policy-engine/config.h"
#include "services/policy-engine/domain/approval_gate.h"
#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/jwt_verifier.h"
#include "services/policy-engine/domain/limit_gate.h"
#include "services/policy-engine/domain/name_check.h"
#include "services/policy-engine/domain/pin_book.h"
#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/domain/rule_check.h"
#include "services/policy-engine/domain/version_binding.h"
#include "services/policy-engine/handlers/approval_upkeep.h"
#include "services/policy-engine/handlers/approvals_answer.h"
#include "services/policy-engine/handlers/approvals_get.h"
#include "services/policy-engine/handlers/approvals_list.h"
#include "services/policy-engine/handlers/authenticate.h"
#include "services/policy-engine/handlers/beat.h"
#include "services/policy-engine/handlers/call_ended.h"
#include "services/policy-engine/handlers/decide.h"
#include "services/policy-engine/handlers/manage.h"
#include "services/policy-engine/handlers/manage_limits.h"
#include "services/policy-engine/handlers/manage_pins.h"
#include "services/policy-engine/handlers/pin_upkeep.h"
#include "services/policy-engine/handlers/setup.h"
#include "services/policy-engine/handlers/visible.h"
#include "services/policy-engine/handlers/webhook_delivery.h"
#include "services/policy-engine/limits.h"

#include "common/async/retry.h"
#include "common/crypto/random.h"
#include "common/redis/client.h"
#include "common/service/connect.h"
#include "common/service/run.h"
#include "common/service/trusted_keys.h"

namespace sluice::policy_engine {
namespace {

// What is kept in Postgres.
struct Stores {
  Stores(postgres::Pool* pool, async::Clock* clock, WebhookPtr webhook)
      : told{std::move(webhook)},
        versions(pool, clock),
        stored(pool, clock),
        approvals(pool, &told),
        pins(pool) {}

  WebhookInForce told;
  PgVersionStore versions;
  PgPolicyStore stored;
  PgApprovalStore approvals;
  PgPinStore pins;
};

Async<void> claim_version(service::Runtime runtime, PolicyReload* reload, Policy file) {
  const std::function<Async<void>()> attempt = [reload, file = std::move(file)] {
    return reload->begin(file);
  };
  constexpr async::RetryPolicy kPolicy{
      .attempts_max = static_cast<int>(kStartTimeout / kStartRetryInterval),
      .first_wait = kStartRetryInterval,
      .wait_max = kStartRetryInterval,
  };
  co_return co_await async::retry<void>(
      runtime.clock(),
      runtime.clock()->now() + kStartTimeout,
      kPolicy,
      crypto::random_u64(),
      attempt
  );
}

void log_doubts(observability::Log* log, const Policy& policy, const Catalog& catalog) {
  for (const UnknownName& name : unknown_names(policy, catalog)) {
    log->warn(
        "tool-name-unknown",
        {{"server", name.server}, {"setting", name.setting}, {"tool", name.tool}}
    );
  }
  for (const std::string& warning : rule_warnings(policy, &catalog)) {
    log->warn("policy-warning", {{"warning", warning}});
  }
}

std::unique_ptr<http::Client> key_set_client(const service::Runtime& runtime) {
  return http::Client::make(
      runtime.executor(),
      runtime.clock(),
      {.connections_per_origin_max = kJwksConnectionsMax,
       .idle_per_origin_max = 1,
       .response_bytes_max = kJwksBytesMax}
  );
}

async::TaskGroup::OnError failure_log(observability::Log* log) {
  return [log](std::string_view name, const Error& error) {
    log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
  };
}

AddedPolicyReader added_policy_reader(observability::Log* log) {
  return [log](const std::string& server, const std::string& text) {
    auto read = read_added_policy(server, text);
    if (!read.ok()) {
      log->error(
          "added-server-without-policy", {{"server", server}, {"error", read.error().to_log()}}
      );
    }
    return read.ok() ? std::make_shared<const ServerPolicy>(std::move(read).value()) : nullptr;
  };
}

// What stands in the way of answers; "": nothing.
std::string doubt_of(const PolicyState& state) {
  return state.current().ok()
             ? ""
             : "another replica has loaded newer settings; give this one the same file";
}

// Telling the receiver of policy.webhook.
struct Webhooks {
  Webhooks(
      const service::Runtime& runtime,
      WebhookInForce* told,
      SettingsFile* settings,
      postgres::Pool* postgres,
      audit::Client* audit
  )
      : client(http::Client::make(
            runtime.executor(),
            runtime.clock(),
            {.connections_per_origin_max = kWebhooksAtOnce,
             .response_bytes_max = kWebhookResponseBytesMax}
        )),
        store(postgres),
        receiver(client.get()),
        delivery(
            {told,
             settings,
             &store,
             &receiver,
             audit,
             runtime.clock(),
             runtime.log(),
             runtime.metrics()}
        ) {}

  std::unique_ptr<http::Client> client;
  PgWebhookStore store;
  HttpWebhook receiver;
  WebhookDelivery delivery;
};

// The pins of tools, and what keeps them.
struct Pins {
  Pins(
      const service::Runtime& runtime,
      Stores* stores,
      ApprovalEvents* events,
      const PolicyState* policy
  )
      : book({&stores->pins, policy, runtime.clock(), runtime.log(), runtime.metrics()}),
        upkeep({&stores->approvals, events, &book, policy, runtime.clock(), runtime.log()}) {}

  PinBook book;
  PinUpkeep upkeep;
};

// What counts calls. Life: start(), at the end await stop().
struct Counting {
  static Async<std::unique_ptr<Counting>> open(service::Runtime runtime, redis::Options options) {
    SLUICE_CO_TRY(options.password, runtime.secret("redis.password"));
    SLUICE_CO_TRY(
        auto client,
        co_await redis::connect(
            runtime.executor(), runtime.clock(), runtime.log(), std::move(options)
        )
    );
    co_return std::make_unique<Counting>(runtime, std::move(client));
  }

  Counting(const service::Runtime& runtime, std::unique_ptr<redis::Client> redis)
      : client(std::move(redis)),
        counters(client.get()),
        gate({&counters, runtime.clock(), runtime.log(), runtime.metrics()}),
        overview(&counters, runtime.clock()),
        listener({runtime.executor(), &counters, runtime.clock(), runtime.log()}) {}

  // Without limits nothing here needs Redis, so that nobody waits for it.
  Result<void> start(const service::Runtime& runtime, bus::Bus* bus, const PolicyState* state) {
    SLUICE_TRY(
        ends,
        bus->listen<connector::v1::CallEnded>(
            endpoints::kCallEnded,
            [this](connector::v1::CallEnded end) { listener.heard(std::move(end)); }
        )
    );
    runtime.add_readiness_check("redis", [redis = client.get(), state] {
      const PolicyState::Snapshot& loaded = state->loaded();
      const bool needed = loaded != nullptr && !loaded->policy.limits->empty();
      return std::string(
          needed && !redis->connected() ? "Redis, which policy.limits needs, is not connected" : ""
      );
    });
    return {};
  }

  Async<void> stop() {
    ends.reset();
    SLUICE_CO_CHECK_OK(co_await listener.close());
    co_return co_await client->close();
  }

  std::unique_ptr<redis::Client> client;
  RedisCallCounters counters;
  LimitGate gate;
  LimitOverview overview;
  CallEndedListener listener;
  std::unique_ptr<bus::Subscription> ends;
};

// What people see of approvals and say to them.
struct ApprovalHandlers {
  ApprovalHandlers(
      const service::Runtime& runtime,
      const CallerCheck* callers,
      ApprovalStore* store,
      ApprovalEvents* events,
      audit::Client* audit
  )
      : list({callers, store, runtime.clock()}),
        get({callers, store, runtime.clock()}),
        answer({callers, store, events, runtime.clock(), runtime.log(), runtime.metrics()}),
        upkeep({store, events, audit, runtime.clock(), runtime.log()}) {}

  Result<void> serve(bus::Bus* bus) {
    SLUICE_CHECK_OK(bus->serve(endpoints::kPolicyApprovalsList, list));
    SLUICE_CHECK_OK(bus->serve(endpoints::kPolicyApprovalsGet, get));
    return bus->serve(endpoints::kPolicyApprovalsAnswer, answer);
  }

  ApprovalsListHandler list;
  ApprovalsGetHandler get;
  ApprovalsAnswerHandler answer;
  ApprovalUpkeep upkeep;
};

// NOLINTNEXTLINE(readability-function-size): wiring is a list
Async<void> serve(service::Runtime runtime, Config config) {
  async::Clock* const clock = runtime.clock();
  observability::Log* const log = runtime.log();
  // 1. Keys and connections. Closed in reverse order when this frame ends.
  SLUICE_CO_TRY(const auto token_keys, service::trusted_keys(runtime, "token-keys"));
  SLUICE_CO_TRY(const auto signing, SigningKeys::read(runtime, token_keys));
  SLUICE_CO_TRY(config.postgres.password, runtime.secret("postgres.password"));
  SLUICE_CO_TRY(service::Link link, co_await service::connect(runtime, config.bus, config.audit));
  SLUICE_CO_TRY(const auto counting, co_await Counting::open(runtime, config.redis));
  const auto postgres = postgres::Pool::open(clock, log, config.postgres);

  // 2. Ports, filled with real things; the policy, of file and store, bound to its version.
  BusToolServers servers(link.bus.get());
  BusBeatSink beats(link.bus.get());
  BusGrantUses grant_uses(link.bus.get());
  BusApprovalEvents approval_events(link.bus.get());
  Stores stores(postgres.get(), clock, std::move(config.webhook));
  const auto http_client = key_set_client(runtime);
  HttpKeySets key_sets(http_client.get());
  PolicyState state;
  VersionBinding binding(&stores.versions, &state);
  async::TaskGroup tasks(runtime.executor(), failure_log(log));
  Pins pins(runtime, &stores, &approval_events, &state);
  CatalogCache catalogs({
      .servers = &servers,
      .clock = clock,
      .tasks = &tasks,
      .log = log,
      .pins = &pins.book,
      .read_added = added_policy_reader(log),
      .on_change = [&state, log](const Catalog& catalog
                   ) { log_doubts(log, state.loaded()->policy, catalog); },
  });
  SettingsOnDisk settings(std::move(config.source), runtime.blocking());
  Webhooks webhooks(runtime, &stores.told, &settings, postgres.get(), link.audit.get());
  PolicyReload reload(
      {&settings, &stores.stored, &binding, &state, &catalogs, clock, log, link.audit.get()}
  );
  SLUICE_CO_CHECK_OK(co_await claim_version(runtime, &reload, std::move(config.policy)));
  JwtVerifier jwt({&key_sets, clock, &tasks, log});
  const CallerCheck callers(token_keys.get(), &state, clock);

  // 3. Handlers. From here down everything is covered by unit tests.
  AuthenticateHandler authenticate({&state, signing->token(), &jwt, clock, runtime.metrics()});
  VisibleHandler visible({&callers, &catalogs});
  ApprovalGate gate({&stores.approvals, &grant_uses, &approval_events, &counting->gate, clock, log}
  );
  DecideHandler decide(
      {&callers,
       &catalogs,
       &counting->gate,
       &gate,
       signing->grant(),
       signing->token(),
       link.audit.get(),
       clock,
       runtime.metrics()}
  );
  ApprovalHandlers people(runtime, &callers, &stores.approvals, &approval_events, link.audit.get());
  ManageKeys key_api({&stores.stored, &reload, &state, clock, log});
  ManagePins pin_api({&stores.pins, &reload, &catalogs, clock});
  ManageHandler manage(
      {&callers, &reload, &catalogs, &state, &counting->overview, clock, &key_api, &pin_api}
  );
  SetupHandler setup({&stores.stored, &reload, &state, clock, log, link.audit.get()});
  SLUICE_CO_CHECK_OK(co_await setup.offer());
  Beat beat({&state, &binding, &catalogs, &beats, clock, log, runtime.metrics(), runtime.instance()}
  );

  // 4. Routes, then run until SIGTERM and drain.
  const std::function<void(connector::v1::CatalogChanged)> on_catalog_changed =
      [&catalogs](const connector::v1::CatalogChanged&) { catalogs.invalidate(); };
  const std::function<void(policy::v1::PolicyBeat)> on_beat =
      [&beat, &tasks, &reload, &state](const policy::v1::PolicyBeat& heard) {
        beat.heard(heard);
        if (state.is_behind()) {
          tasks.spawn("catch-up", reload.catch_up());
        }
      };
  reload.on_loaded([&beat] { beat.publish(); });
  SLUICE_CO_TRY(auto changes, link.bus->listen(endpoints::kCatalogChanged, on_catalog_changed));
  SLUICE_CO_TRY(auto others, link.bus->listen(endpoints::kPolicyBeat, on_beat));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kPolicyAuthenticate, authenticate));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kPolicyVisible, visible));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kPolicyDecide, decide));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kPolicyManage, manage));
  SLUICE_CO_CHECK_OK(link.bus->serve(endpoints::kPolicySetup, setup));
  SLUICE_CO_CHECK_OK(people.serve(link.bus.get()));
  SLUICE_CO_CHECK_OK(counting->start(runtime, link.bus.get(), &state));
  tasks.spawn("signing-keys", signing->watch());
  tasks.spawn("beat", beat.run());
  tasks.spawn("approval-upkeep", people.upkeep.run());
  tasks.spawn("pin-upkeep", pins.upkeep.run());
  tasks.spawn("settings", reload.watch());
  tasks.spawn("webhooks", webhooks.delivery.run());
  runtime.add_readiness_check("policy", [&state] { return doubt_of(state); });
  static_cast<void>(co_await runtime.stopped());
  changes.reset();
  others.reset();
  const auto drained = co_await service::drain(runtime, &link, clock->now() + kDrainTimeout);
  static_cast<void>(co_await tasks.cancel_and_close());
  static_cast<void>(co_await counting->stop());
  co_return drained;
}

}  // namespace
}  // namespace sluice::policy_engine

int main(int argc, char** argv) {
  return sluice::service::run<sluice::policy_engine::Config>(
      "policy-engine", argc, argv, sluice::policy_engine::serve
  );
}
