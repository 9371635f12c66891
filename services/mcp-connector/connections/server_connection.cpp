#include "services/mcp-connector/connections/server_connection.h"

#include "services/mcp-connector/connections/handshake.h"
#include "services/mcp-connector/domain/era_probe.h"

#include "common/audit/redact.h"
#include "common/mcp/param_headers.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

Error stopping_error() {
  return Error(Code::Unavailable, "the connection to this MCP server is being ended; retry later");
}

Error not_connected() {
  return Error(Code::Unavailable, "the MCP server is not connected at the moment; retry later");
}

// Nobody takes POST at this address, so the server may be one of HTTP+SSE.
bool is_without_post(const ServerConfig& server, const Error& why) {
  return server.type == ConnectionType::Http && !server.pinned_version &&
         why.code() == Code::NotFound;
}

}  // namespace

ServerConnection::ServerConnection(Deps deps, std::shared_ptr<const ToolCatalog> catalog)
    : deps_(std::move(deps)),
      policy_(deps_.seed),
      status_(deps_.clock->unix_ms()),
      catalog_(std::move(catalog)),
      watch_(std::make_shared<ResourceWatch>(ResourceWatch::Deps{
          .clock = deps_.clock,
          .log = deps_.log,
          .server = deps_.server->name,
          .on_updated =
              [this](const std::string& uri) {
                if (deps_.on_resource_updated) {
                  deps_.on_resource_updated(uri);
                }
              }
      })) {}

Async<void> ServerConnection::run() {
  while (!stopping_) {
    SLUICE_CO_TRY(const Duration lived, co_await attempt());
    if (stopping_) {
      break;
    }
    if (std::exchange(reconnect_asked_, false)) {
      continue;
    }
    const auto wait = policy_.wait_after(lived);
    deps_.log->info(
        "server-restart-scheduled", {{"server", deps_.server->name}, {"wait_ms", wait.count()}}
    );
    const TimePoint due = deps_.clock->now() + wait;
    while (!stopping_ && !reconnect_asked_ && deps_.clock->now() < due) {
      SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, due));
    }
    reconnect_asked_ = false;  // asked for while waiting: this is it
  }
  co_return Result<void>();
}

void ServerConnection::stop() {
  stopping_ = true;
  lose();
  if (session_) {
    session_->fail_all(stopping_error());
  }
  wakeup_.raise();
}

void ServerConnection::reconnect() {
  reconnect_asked_ = true;
  lose();
  if (session_) {
    session_->fail_all(stopping_error());
  }
  wakeup_.raise();
}

Result<std::unique_ptr<McpSession::Ticket>> ServerConnection::call_tool(
    std::string_view tool, std::string_view arguments, TimePoint deadline, ForCaller caller
) {
  if (!usable_) {
    return not_connected();
  }
  mcp::HeaderList headers;
  const Tool* known = mirrors_arguments() ? catalog_->find(tool) : nullptr;
  if (known != nullptr) {
    SLUICE_TRY(const auto declared, mcp::param_headers_of(known->input_schema));
    SLUICE_TRY(headers, mcp::param_header_values(declared, arguments));
  }
  SLUICE_CHECK_OK(circuit_.admit(deps_.clock->now()));
  return count_in(
      session_->call_tool(tool, arguments, deadline, std::move(headers), std::move(caller))
  );
}

Result<std::unique_ptr<McpSession::Ticket>> ServerConnection::request(
    Request request, TimePoint deadline
) {
  if (!usable_) {
    return not_connected();
  }
  SLUICE_CHECK_OK(circuit_.admit(deps_.clock->now()));
  return count_in(session_->request(std::move(request), deadline));
}

Async<Answer> ServerConnection::watch_resource(std::string uri, TimePoint deadline) {
  const auto watch = watch_;  // may outlive this
  co_return co_await watch->watch(std::move(uri), deadline);
}

Async<void> ServerConnection::want_log_level(std::string level, TimePoint deadline) {
  if (!usable_ || !capabilities_.has_logging) {
    co_return Result<void>();
  }
  co_return co_await session_->want_log_level(std::move(level), deadline);
}

bool ServerConnection::wants_other_headers(const Answer& answer) const {
  return mirrors_arguments() && is_header_mismatch(answer);
}

Async<void> ServerConnection::list_tools(TimePoint deadline) {
  if (!usable_) {
    co_return not_connected();
  }
  co_return co_await list_tools_only(deadline);
}

// One connection from start to end; how long it was usable.
Async<Duration> ServerConnection::attempt() {
  status_.connecting(deps_.clock->unix_ms());
  deps_.on_status();
  no_post_.reset();
  SLUICE_CO_TRY(const Duration lived, co_await connect(deps_.server));
  if (!no_post_ || stopping_ || reconnect_asked_) {
    co_return lived;
  }
  ServerConfig over_sse = *deps_.server;
  over_sse.type = ConnectionType::Sse;
  co_return co_await connect(&over_sse);
}

Async<Duration> ServerConnection::connect(const ServerConfig* server) {
  auto opened = co_await deps_.opener->open(server);
  if (!opened.ok()) {
    fail(no_post_ ? Stage::Initialize : Stage::Connect, no_post_ ? *no_post_ : opened.error());
    co_return Duration::zero();
  }
  link_ = std::move(opened).value();
  session_ = std::make_unique<McpSession>(McpSession::Deps{
      .clock = deps_.clock,
      .log = deps_.log,
      .link = link_.get(),
      .server = deps_.server->name,
      .on_list_changed =
          [this] {
            if (!list_due_) {
              list_due_ = deps_.clock->now() + pause_before_list();
              wakeup_.raise();
            }
          },
      .on_gone = [this] { wakeup_.raise(); },
      .client = deps_.server->client,
      .on_resource_updated = [this](const std::string& uri) { watch_->updated(uri); },
  });
  async::TaskGroup tasks(deps_.executor, [this](std::string_view, const Error& error) {
    deps_.log->error("session-failed", {{"server", deps_.server->name}, {"error", error.to_log()}});
  });
  if (stopping_ || reconnect_asked_) {  // while the server was being started
    session_->fail_all(stopping_error());
  }
  tasks.spawn("read", session_->read());
  const auto lived = co_await use_session(server);
  usable_ = false;
  session_->fail_all(stopping_error());
  const auto stopped = co_await link_->stop();
  if (!stopped.ok()) {
    deps_.log->error(
        "server-not-ended", {{"server", deps_.server->name}, {"error", stopped.error().to_log()}}
    );
  }
  const auto read = co_await tasks.close();
  const auto left = co_await session_->idle();
  SLUICE_CHECK(read.ok() && left.ok(), "a connection is ended by stop(), never by cancellation");
  session_.reset();
  link_.reset();
  co_return lived;
}

Async<Duration> ServerConnection::use_session(const ServerConfig* server) {
  list_due_.reset();
  ping_failed_ = false;
  loss_counted_ = false;
  SLUICE_CO_TRY(const bool started, co_await start_session(server));
  if (!started) {
    co_return Duration::zero();
  }
  const TimePoint since = deps_.clock->now();
  usable_ = true;
  circuit_.reconnected();
  rights_wanted_.clear();
  status_.connected(deps_.clock->unix_ms());
  deps_.log->info(
      "server-connected",
      {{"server", deps_.server->name},
       {"protocol", protocol_version_},
       {"tools", catalog_->tools().size()},
       {"resources", catalog_->offerings().resources.size()},
       {"prompts", catalog_->offerings().prompts.size()}}
  );
  deps_.on_status();
  health_wakeup_ = Wakeup();
  async::TaskGroup health(deps_.executor, [this](std::string_view, const Error& error) {
    deps_.log->error("checks-failed", {{"server", deps_.server->name}, {"error", error.to_log()}});
  });
  health.spawn("health", check_health());
  health.spawn("watch", watch_->run(session_.get(), capabilities_));
  SLUICE_CO_CHECK_OK(co_await watch());
  lose();
  session_->fail_all(stopping_error());
  health_wakeup_.raise();
  watch_->wake();
  SLUICE_CO_CHECK_OK(co_await health.close());
  co_return deps_.clock->now() - since;
}

Async<bool> ServerConnection::start_session(const ServerConfig* server) {
  const TimePoint deadline = deps_.clock->now() + server->start_timeout;
  const auto agreed = co_await shake_hands(session_.get(), deps_.clock, server, deadline);
  if (stopping_ || reconnect_asked_) {
    co_return false;
  }
  if (!agreed.ok()) {
    if (is_without_post(*server, agreed.error())) {
      no_post_ = agreed.error();
    } else {
      fail(Stage::Initialize, agreed.error());
    }
    co_return false;
  }
  protocol_version_ = agreed.value().protocol_version;
  capabilities_ = agreed.value().capabilities;
  instructions_ = audit::clip_utf8(agreed.value().instructions, kInstructionsBytesMax);
  const auto listed = co_await list_all(deadline);
  if (stopping_ || reconnect_asked_) {
    co_return false;
  }
  if (!listed.ok()) {
    fail(Stage::ListTools, listed.error());
    co_return false;
  }
  co_return true;
}

// A server that says it changed whenever it is asked is asked less and less often.
Duration ServerConnection::pause_before_list() {
  const bool quiet = deps_.clock->now() - listed_at_ > 2 * list_pause_;
  list_pause_ = quiet ? kListDebounce : std::min<Duration>(2 * list_pause_, kListDebounceMax);
  return list_pause_;
}

Async<void> ServerConnection::list_all(TimePoint deadline) {
  list_due_.reset();
  listed_at_ = deps_.clock->now();
  SLUICE_CO_TRY(auto definitions, co_await fetch_tools(deadline));
  OfferingLists lists(session_.get(), deps_.clock, deps_.log, deps_.server->name, &faults_told_);
  SLUICE_CO_TRY(auto offerings, co_await lists.fetch(capabilities_));
  co_return adopt(std::move(definitions), std::move(offerings));
}

Async<void> ServerConnection::list_tools_only(TimePoint deadline) {
  SLUICE_CO_TRY(auto definitions, co_await fetch_tools(deadline));
  co_return adopt(std::move(definitions), catalog_->offerings());
}

Async<std::vector<json::Value>> ServerConnection::fetch_tools(TimePoint deadline) {
  const TimePoint asked = deps_.clock->now();
  auto listed = co_await session_->list_tools(deadline);
  list_took_ = listed.ok() ? deps_.clock->now() - asked : list_took_;
  if (!listed.ok() && (capabilities_.has_tools || session_->gone() ||
                       listed.error().code() == Code::Unauthenticated)) {
    co_return std::move(listed).error();
  }
  // Without the tools capability a refusal means: no tools.
  co_return listed.ok() ? std::move(listed).value() : std::vector<json::Value>();
}

Result<void> ServerConnection::adopt(std::vector<json::Value> definitions, Offerings offerings) {
  drop_unusable(&definitions);
  SLUICE_TRY(auto catalog, ToolCatalog::build(std::move(definitions), std::move(offerings)));
  if (catalog.duplicates() > 0) {
    deps_.log->warn(
        "tools-listed-twice", {{"server", deps_.server->name}, {"duplicates", catalog.duplicates()}}
    );
  }
  if (catalog.left_offerings_out()) {
    deps_.log->warn(
        "offerings-too-large",
        {{"server", deps_.server->name}, {"bytes_max", kCatalogWithOfferingsBytesMax}}
    );
  }
  if (catalog.hash() != catalog_->hash()) {
    catalog_ = std::make_shared<const ToolCatalog>(std::move(catalog));
    deps_.on_catalog();
  }
  return {};
}

// A tool whose declarations of headers break the rules cannot be called where they are sent, and is
// left out there. Elsewhere it works; ingress keeps it from clients of the modern era. Said once,
// not at every listing.
void ServerConnection::drop_unusable(std::vector<json::Value>* definitions) {
  const bool drops = mirrors_arguments();
  std::set<std::string> unusable;
  std::erase_if(*definitions, [&](const json::Value& definition) {
    const json::Value* schema = definition.find("inputSchema");
    const auto declared = schema == nullptr ? Result(std::vector<mcp::ParamHeader>())
                                            : mcp::param_headers_of(*schema);
    if (declared.ok()) {
      return false;
    }
    const std::string tool = definition.text_or("name", "");
    if (!unusable_.contains(tool)) {
      deps_.log->warn(
          drops ? "tool-left-out" : "tool-headers-invalid",
          {{"server", deps_.server->name}, {"tool", tool}, {"error", declared.error().to_log()}}
      );
    }
    unusable.insert(tool);
    return drops;
  });
  unusable_ = std::move(unusable);
}

// Returns when the connection should end.
Async<void> ServerConnection::watch() {
  const ServerConfig& server = *deps_.server;
  const bool syncs = server.sync_interval > std::chrono::milliseconds(0);
  TimePoint sync_due = syncs ? deps_.clock->now() + server.sync_interval : TimePoint::max();
  while (!ending()) {
    const TimePoint now = deps_.clock->now();
    if (now >= sync_due) {
      list_due_ = now;
      sync_due = now + server.sync_interval;
    }
    if (list_due_ && now >= *list_due_) {
      const auto listed = co_await list_all(now + kListTimeout);
      if (!listed.ok() && !ending()) {  // the tools known so far stay; the next sync asks again
        deps_.log->warn(
            "tools-not-listed", {{"server", server.name}, {"error", listed.error().to_log()}}
        );
      }
      continue;
    }
    const TimePoint next = std::min(sync_due, list_due_.value_or(TimePoint::max()));
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, next));
  }
  co_return Result<void>();
}

void ServerConnection::fail(Stage stage, const Error& error) {
  if (error.code() == Code::Unauthenticated) {  // whatever was asked: it takes a person first
    stage = Stage::Authorize;
  }
  status_.failed(stage, error.message(), deps_.clock->unix_ms());
  const std::string words = link_ ? link_->last_words() : std::string();
  deps_.log->warn(
      "server-start-failed",
      {{"server", deps_.server->name},
       {"stage", name_of(stage)},
       {"error", error.to_log()},
       {"stderr", words}}
  );
  deps_.on_status();
}

// What connected() and the status say changes together.
void ServerConnection::lose() {
  if (!std::exchange(usable_, false)) {
    return;
  }
  if (stopping_) {
    status_.lost(Stage::None, "the gateway ended the connection", deps_.clock->unix_ms());
  } else if (reconnect_asked_) {
    status_.lost(Stage::None, "a reconnect was asked for", deps_.clock->unix_ms());
  } else if (ping_failed_) {
    status_.lost(
        Stage::Ping,
        "the MCP server did not answer health checks; it is restarted",
        deps_.clock->unix_ms()
    );
  } else {
    status_.lost(
        Stage::TransportLost,
        "the MCP server ended by itself; it is restarted",
        deps_.clock->unix_ms()
    );
  }
  deps_.log->warn(
      "server-lost",
      {{"server", deps_.server->name},
       {"reason", status_.message()},
       {"stderr", link_->last_words()}}
  );
  deps_.on_status();
}

}  // namespace sluice::mcp_connector
