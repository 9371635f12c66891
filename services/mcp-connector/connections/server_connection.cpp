#include "services/mcp-connector/connections/server_connection.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

Error stopping_error() {
  return Error(Code::Unavailable, "the connection to this MCP server is being ended; retry later");
}

}  // namespace

ServerConnection::ServerConnection(Deps deps, std::shared_ptr<const ToolCatalog> catalog)
    : deps_(std::move(deps)),
      policy_(deps_.seed),
      status_(deps_.clock->unix_ms()),
      catalog_(std::move(catalog)) {}

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
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, deps_.clock->now() + wait));
    reconnect_asked_ = false;  // asked for while waiting: this is it
  }
  co_return Result<void>();
}

void ServerConnection::stop() {
  stopping_ = true;
  usable_ = false;
  if (session_) {
    session_->fail_all(stopping_error());
  }
  wakeup_.raise();
}

void ServerConnection::reconnect() {
  reconnect_asked_ = true;
  usable_ = false;
  if (session_) {
    session_->fail_all(stopping_error());
  }
  wakeup_.raise();
}

Result<std::unique_ptr<McpSession::Ticket>> ServerConnection::call_tool(
    std::string_view tool, std::string_view arguments, TimePoint deadline
) {
  if (!usable_) {
    return Error(Code::Unavailable, "the MCP server is not connected at the moment; retry later");
  }
  return session_->call_tool(tool, arguments, deadline);
}

// One connection from start to end; how long it was usable.
Async<Duration> ServerConnection::attempt() {
  status_.connecting(deps_.clock->unix_ms());
  deps_.on_status();
  auto opened = co_await deps_.opener->open(deps_.server);
  if (!opened.ok()) {
    fail(Stage::Connect, opened.error());
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
              list_due_ = deps_.clock->now() + kListDebounce;
              wakeup_.raise();
            }
          },
      .on_gone = [this] { wakeup_.raise(); },
  });
  async::TaskGroup tasks(deps_.executor, [this](std::string_view, const Error& error) {
    deps_.log->error("session-failed", {{"server", deps_.server->name}, {"error", error.to_log()}});
  });
  if (stopping_ || reconnect_asked_) {  // while the server was being started
    session_->fail_all(stopping_error());
  }
  tasks.spawn("read", session_->read());
  const auto lived = co_await use_session();
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

Async<Duration> ServerConnection::use_session() {
  list_due_.reset();
  health_failures_ = 0;
  ping_failed_ = false;
  SLUICE_CO_TRY(const bool started, co_await start_session());
  if (!started) {
    co_return Duration::zero();
  }
  const TimePoint since = deps_.clock->now();
  usable_ = true;
  status_.connected(deps_.clock->unix_ms());
  deps_.log->info(
      "server-connected",
      {{"server", deps_.server->name},
       {"protocol", protocol_version_},
       {"tools", catalog_->tools().size()}}
  );
  deps_.on_status();
  SLUICE_CO_CHECK_OK(co_await watch());
  usable_ = false;
  lose();
  co_return deps_.clock->now() - since;
}

Async<bool> ServerConnection::start_session() {
  const TimePoint deadline = deps_.clock->now() + deps_.server->start_timeout;
  const auto initialized = co_await session_->initialize(deadline);
  if (stopping_ || reconnect_asked_) {
    co_return false;
  }
  if (!initialized.ok()) {
    fail(Stage::Initialize, initialized.error());
    co_return false;
  }
  protocol_version_ = initialized.value().protocol_version;
  lists_tools_ = initialized.value().has_tools;
  const auto listed = co_await list_again(deadline);
  if (stopping_ || reconnect_asked_) {
    co_return false;
  }
  if (!listed.ok()) {
    fail(Stage::ListTools, listed.error());
    co_return false;
  }
  co_return true;
}

Async<void> ServerConnection::list_again(TimePoint deadline) {
  list_due_.reset();
  auto listed = co_await session_->list_tools(deadline);
  if (!listed.ok() && (lists_tools_ || session_->gone())) {
    co_return std::move(listed).error();
  }
  // Without the tools capability a refusal means: no tools.
  auto definitions = listed.ok() ? std::move(listed).value() : std::vector<json::Value>();
  SLUICE_CO_TRY(auto catalog, ToolCatalog::build(std::move(definitions)));
  if (catalog.duplicates() > 0) {
    deps_.log->warn(
        "tools-listed-twice", {{"server", deps_.server->name}, {"duplicates", catalog.duplicates()}}
    );
  }
  if (catalog.hash() != catalog_->hash()) {
    catalog_ = std::make_shared<const ToolCatalog>(std::move(catalog));
    deps_.on_catalog();
  }
  co_return Result<void>();
}

// Returns when the connection should end.
Async<void> ServerConnection::watch() {
  const ServerConfig& server = *deps_.server;
  TimePoint health_due = deps_.clock->now() + server.health_interval;
  const bool syncs = server.sync_interval > std::chrono::milliseconds(0);
  TimePoint sync_due = syncs ? deps_.clock->now() + server.sync_interval : TimePoint::max();
  while (!ending()) {
    const TimePoint now = deps_.clock->now();
    if (now >= sync_due) {
      list_due_ = now;
      sync_due = now + server.sync_interval;
    }
    if (list_due_ && now >= *list_due_) {
      const auto listed = co_await list_again(now + kListTimeout);
      if (!listed.ok() && !ending()) {  // the tools known so far stay; the next sync asks again
        deps_.log->warn(
            "tools-not-listed", {{"server", server.name}, {"error", listed.error().to_log()}}
        );
      }
      continue;
    }
    if (now >= health_due) {
      SLUICE_CO_TRY(const bool healthy, co_await is_healthy());
      if (!healthy) {
        ping_failed_ = true;
        break;
      }
      health_due = deps_.clock->now() + server.health_interval;
      continue;
    }
    const TimePoint next = std::min({health_due, sync_due, list_due_.value_or(TimePoint::max())});
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, next));
  }
  co_return Result<void>();
}

// False after too many checks without an answer. A server busy with calls may be too busy to
// answer.
Async<bool> ServerConnection::is_healthy() {
  const TimePoint deadline = deps_.clock->now() + kPingTimeout;
  const bool busy = session_->in_flight() > 0;
  const auto checked = deps_.server->is_ping_available ? co_await session_->ping(deadline)
                                                       : co_await list_again(deadline);
  if (checked.ok() || checked.error().code() != Code::Deadline) {
    health_failures_ = 0;
    co_return true;
  }
  if (!busy) {
    ++health_failures_;
  }
  deps_.log->warn(
      "health-check-failed", {{"server", deps_.server->name}, {"failures", health_failures_}}
  );
  co_return health_failures_ < kHealthFailuresMax;
}

void ServerConnection::fail(Stage stage, const Error& error) {
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

void ServerConnection::lose() {
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
