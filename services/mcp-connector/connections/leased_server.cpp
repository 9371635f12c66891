#include "services/mcp-connector/connections/leased_server.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kJitterMax{300};
// Each lease held makes this replica a little slower to take another, so that several share them.
constexpr milliseconds kPausePerLease{50};
constexpr milliseconds kFairnessMax{500};
constexpr milliseconds kRenewAgain{200};
// A copy that Redis lost is written again within this time.
constexpr int kRenewalsPerCopy = 60;

constexpr milliseconds kLeaseLocalTtl = kLeaseTtl - kLeaseMargin;

Error not_held() {
  return Error(
      Code::Unavailable, "this replica does not hold the server any more; retry, another one does"
  );
}

}  // namespace

LeasedServer::LeasedServer(Deps deps, std::shared_ptr<const ServerConfig> server)
    : deps_(std::move(deps)), server_(std::move(server)), generator_(deps_.seed) {}

Async<void> LeasedServer::run() {
  while (!stopping_) {
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, deps_.clock->now() + pause()));
    if (stopping_) {
      break;
    }
    const TimePoint asked = deps_.clock->now();
    const auto epoch = co_await deps_.leases->acquire(server_->id, last_epoch_);
    if (!epoch.ok()) {
      if (!std::exchange(lease_trouble_logged_, true)) {
        deps_.log->warn(
            "lease-not-asked", {{"server", server_->name}, {"error", epoch.error().to_log()}}
        );
      }
    } else if (epoch.value()) {
      last_epoch_ = *epoch.value();
      valid_until_ = asked + kLeaseLocalTtl;
      lease_trouble_logged_ = false;
      SLUICE_CO_CHECK_OK(co_await hold(last_epoch_));
      continue;
    }
    SLUICE_CO_CHECK_OK(
        co_await wakeup_.sleep_until(deps_.clock, deps_.clock->now() + kLeaseTryEvery)
    );
  }
  co_return Result<void>();
}

void LeasedServer::stop() {
  stopping_ = true;
  wakeup_.raise();
}

void LeasedServer::reconnect() {
  if (connection_) {
    connection_->reconnect();
  }
  if (callers_) {
    callers_->end_all();
  }
}

Duration LeasedServer::pause() {
  std::uniform_int_distribution<std::int64_t> jitter(0, kJitterMax.count());
  const auto fairness = std::min<milliseconds>(
      kPausePerLease * static_cast<std::int64_t>(deps_.held()), kFairnessMax
  );
  return milliseconds(jitter(generator_)) + fairness;
}

Async<void> LeasedServer::hold(std::uint64_t epoch) {
  deps_.log->info("lease-acquired", {{"server", server_->name}, {"epoch", epoch}});
  SLUICE_CO_TRY(auto catalog, co_await last_known_catalog());
  connected_with_ = server_;
  connection_ = std::make_shared<ServerConnection>(
      ServerConnection::Deps{
          .executor = deps_.executor,
          .clock = deps_.clock,
          .log = deps_.log,
          .opener = deps_.opener,
          .server = connected_with_.get(),
          .seed = generator_(),
          .on_status = [this] { status_changed(); },
          .on_catalog = [this] { catalog_changed(); },
          .on_resource_updated = [this](const std::string& uri) { resource_updated(uri); },
      },
      std::move(catalog)
  );
  tasks_ = std::make_unique<async::TaskGroup>(
      deps_.executor,
      [this](std::string_view name, const Error& error) {
        deps_.log->error(
            "server-task-failed",
            {{"server", server_->name}, {"task", name}, {"error", error.to_log()}}
        );
      }
  );
  if (connected_with_->sharing != Sharing::Shared) {
    callers_ = std::make_shared<CallerConnections>(CallerConnections::Deps{
        .executor = deps_.executor,
        .clock = deps_.clock,
        .log = deps_.log,
        .opener = deps_.opener,
        .server = connected_with_.get(),
        .seed = [this] { return generator_(); }
    });
    tasks_->spawn("callers", callers_->sweep());
  }
  auto serving = deps_.subjects->serve(server_->id);
  if (serving.ok()) {
    tasks_->spawn("connection", connection_->run());
    const auto kept = co_await keep_lease(epoch);
    SLUICE_CHECK(kept.ok(), "a lease is given up by stop(), never by cancellation");
  } else {
    deps_.log->error(
        "subjects-not-served", {{"server", server_->name}, {"error", serving.error().to_log()}}
    );
  }
  valid_until_ = TimePoint{};
  serving = Subjects::Serving{};  // unsubscribes before the children end
  connection_->stop();
  SLUICE_CO_CHECK_OK(co_await end_callers());
  const auto ended = co_await tasks_->close();
  SLUICE_CHECK(ended.ok(), "a lease is given up by stop(), never by cancellation");
  tasks_.reset();
  callers_.reset();
  connection_.reset();
  connected_with_.reset();
  show_state(std::nullopt);
  const auto released = co_await deps_.leases->release(server_->id, epoch);
  deps_.log->info(
      "lease-ended", {{"server", server_->name}, {"epoch", epoch}, {"released", released.ok()}}
  );
  co_return Result<void>();
}

Async<void> LeasedServer::end_callers() {
  if (!callers_) {
    co_return Result<void>();
  }
  callers_->stop();
  co_return co_await callers_->close();
}

// Returns when the lease is lost or the service stops.
Async<void> LeasedServer::keep_lease(std::uint64_t epoch) {
  Duration wait = kLeaseRenewEvery;
  for (int renewals = 1; !stopping_; ++renewals) {
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, deps_.clock->now() + wait));
    if (stopping_) {
      break;
    }
    const TimePoint asked = deps_.clock->now();
    const auto renewed = co_await deps_.leases->renew(server_->id, epoch);
    if (renewed.ok() && renewed.value()) {
      valid_until_ = asked + kLeaseLocalTtl;
      wait = kLeaseRenewEvery;
      if (renewals % kRenewalsPerCopy == 0) {
        publish_soon();
      }
      continue;
    }
    wait = kRenewAgain;
    if (renewed.ok() || !holds_lease()) {
      deps_.log->warn(
          "lease-lost",
          {{"server", server_->name},
           {"epoch", epoch},
           {"reason",
            renewed.ok() ? std::string("another replica holds it") : renewed.error().to_log()}}
      );
      break;
    }
  }
  co_return Result<void>();
}

// Keeps tool lists and hashes stable when a server changes hands. Redis may be empty: then the list
// is empty until connected.
Async<std::shared_ptr<const ToolCatalog>> LeasedServer::last_known_catalog() {
  const auto copy = co_await deps_.states->get(server_->id);
  if (copy.ok() && copy.value()) {
    co_return std::make_shared<const ToolCatalog>(ToolCatalog::from_copy(*copy.value()));
  }
  co_return std::make_shared<const ToolCatalog>();
}

std::shared_ptr<const ToolCatalog> LeasedServer::catalog() const {
  return connection_ ? connection_->catalog() : nullptr;
}

Result<void> LeasedServer::check_arguments(const Tool& tool, std::string_view arguments) {
  return arguments_.check(tool, arguments);
}

Async<std::shared_ptr<ServerConnection>> LeasedServer::connection_for(
    Caller caller, TimePoint deadline
) {
  if (!holds_lease() || !connection_) {
    co_return not_held();
  }
  const bool is_gateway = connected_with_->has_user_tokens() && caller.token_owner.empty();
  if (!callers_ || is_gateway) {
    co_return connection_;
  }
  const auto callers = callers_;
  auto connection = co_await callers->get(std::move(caller), deadline);
  SLUICE_CO_CHECK_OK(connection);
  if (!holds_lease()) {
    co_return not_held();
  }
  co_return connection;
}

Async<Answer> LeasedServer::watch_resource(std::string uri, TimePoint deadline) {
  if (!holds_lease() || !connection_) {
    co_return not_held();
  }
  co_return co_await connection_->watch_resource(std::move(uri), deadline);
}

Result<void> LeasedServer::check_circuit() const {
  return connection_ ? connection_->check_circuit() : Result<void>(not_held());
}

Async<void> LeasedServer::list_tools(TimePoint deadline) {
  if (!holds_lease() || !connection_) {
    co_return not_held();
  }
  co_return co_await connection_->list_tools(deadline);
}

connector::v1::ServerCatalog LeasedServer::snapshot() const {
  connector::v1::ServerCatalog out;
  out.set_server_id(server_->id.str());
  out.set_name(server_->name);
  out.set_unprefixed(server_->unprefixed);
  out.set_holder(deps_.instance);
  out.set_lease_epoch(last_epoch_);
  if (!connection_) {
    out.set_state(connector::v1::SERVER_STATE_DISCONNECTED);
    return out;
  }
  const ServerStatus& status = connection_->status();
  out.set_state(status.state());
  out.set_stage(std::string(name_of(connection_->stage())));
  out.set_message(connection_->message());
  out.set_since_unix_ms(status.since_unix_ms());
  out.set_protocol_version(connection_->protocol_version());
  const mcp::ServerCapabilities& capabilities = connection_->capabilities();
  out.set_subscriptions(capabilities.has_subscriptions);
  out.set_logging(capabilities.has_logging);
  out.set_instructions(connection_->instructions());
  connection_->catalog()->fill(&out);
  return out;
}

// One series a state, of which one is 1 at the replica that holds the server and none elsewhere.
void LeasedServer::show_state(std::optional<connector::v1::ServerState> now) {
  for (const auto state :
       {connector::v1::SERVER_STATE_CONNECTED,
        connector::v1::SERVER_STATE_CONNECTING,
        connector::v1::SERVER_STATE_DISCONNECTED,
        connector::v1::SERVER_STATE_ERROR}) {
    deps_.metrics
        ->gauge(
            "sluice_connector_server_state_count",
            "1 for the state of a server that this replica holds",
            {{"server", server_->name}, {"state", std::string(name_of(state))}}
        )
        .set(now == state ? 1 : 0);
  }
}

void LeasedServer::status_changed() {
  const ServerStatus& status = connection_->status();
  show_state(status.state());
  const std::string state(name_of(status.state()));
  deps_.metrics
      ->gauge(
          "sluice_connector_server_connected_count",
          "1 while the server is connected here",
          {{"server", server_->name}}
      )
      .set(connection_->connected() ? 1 : 0);
  deps_.metrics
      ->gauge(
          "sluice_connector_server_circuit_open_count",
          "1 while calls of the server are refused because the last ones got no answer",
          {{"server", server_->name}}
      )
      .set(connection_->refuses_calls() ? 1 : 0);
  connector::v1::ServerChanged event;
  event.set_server_id(server_->id.str());
  event.set_name(server_->name);
  event.set_state(status.state());
  event.set_stage(std::string(name_of(connection_->stage())));
  event.set_message(connection_->message());
  event.set_since_unix_ms(status.since_unix_ms());
  deps_.announcer->server_changed(event);
  publish_soon();

  // A server that fails to start over and over is recorded once, not once an attempt.
  const std::string announced = state + '/' + event.stage() + '/' + event.message();
  if (status.state() == connector::v1::SERVER_STATE_CONNECTING || announced == last_announced_) {
    return;
  }
  last_announced_ = announced;
  audit::v1::Record record;
  record.set_action("server.state");
  record.set_server(server_->name);
  record.set_reason(state);
  record.set_detail(
      event.stage().empty() ? event.message() : event.stage() + ": " + event.message()
  );
  const auto recorded = deps_.audit->record(std::move(record));
  if (!recorded.ok()) {
    deps_.log->error(
        "state-not-recorded", {{"server", server_->name}, {"error", recorded.error().to_log()}}
    );
  }
}

void LeasedServer::catalog_changed() {
  arguments_ = ArgumentCheck();
  connector::v1::CatalogChanged event;
  event.set_server_id(server_->id.str());
  event.set_definitions_hash(connection_->catalog()->hash());
  deps_.announcer->catalog_changed(event);
  publish_soon();
}

void LeasedServer::resource_updated(const std::string& uri) {
  connector::v1::ResourceUpdated event;
  event.set_server_id(server_->id.str());
  event.set_uri(uri);
  deps_.announcer->resource_updated(event);
}

void LeasedServer::publish_soon() {
  unpublished_ = true;
  if (!publishing_ && tasks_) {
    publishing_ = true;
    tasks_->spawn("publish", publish());
  }
}

Async<void> LeasedServer::publish() {
  while (std::exchange(unpublished_, false)) {
    const auto put = co_await deps_.states->put(snapshot());
    if (!put.ok()) {  // a copy only; the next change or renewal writes it again
      deps_.log->debug(
          "state-not-copied", {{"server", server_->name}, {"error", put.error().to_log()}}
      );
    }
  }
  publishing_ = false;
  co_return Result<void>();
}

connector::v1::ServerCatalog unconnected_catalog(const ServerConfig& server) {
  connector::v1::ServerCatalog out;
  out.set_server_id(server.id.str());
  out.set_name(server.name);
  out.set_unprefixed(server.unprefixed);
  ToolCatalog().fill(&out);
  out.set_state(connector::v1::SERVER_STATE_DISCONNECTED);
  out.set_message("the server is disabled in the configuration");
  return out;
}

bool is_served(const ServerConfig& server) {
  return !server.disabled;
}

}  // namespace sluice::mcp_connector
