#include "services/mcp-connector/connections/caller_connections.h"

#include "services/mcp-connector/limits.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {

CallerConnections::CallerConnections(Deps deps)
    : deps_(std::move(deps)),
      tasks_(
          deps_.executor,
          [log = deps_.log, name = deps_.server->name](std::string_view task, const Error& error) {
            log->error(
                "server-task-failed", {{"server", name}, {"task", task}, {"error", error.to_log()}}
            );
          }
      ) {}

Async<std::shared_ptr<ServerConnection>> CallerConnections::get(Caller caller, TimePoint deadline) {
  SLUICE_CO_TRY(const SharedEntry entry, find_or_make(caller));
  ++entry->waiting;
  auto waited = co_await wait(entry, deadline);
  --entry->waiting;
  entry->used = deps_.clock->now();
  SLUICE_CO_CHECK_OK(std::move(waited));
  co_return std::shared_ptr<ServerConnection>(entry, entry->connection.get());
}

// Sessions are told apart only where the server says so.
std::string CallerConnections::key_of(const Caller& caller) const {
  const bool by_session = deps_.server->sharing == Sharing::PerSession && !caller.session.empty();
  return by_session ? caller.id + '/' + caller.session : caller.id;
}

// The caller may have authorized the gateway since the last attempt.
void CallerConnections::try_again(Entry* entry) {
  if (entry->failed && entry->connection->status().stage() == Stage::Authorize) {
    entry->failed = false;
    entry->connection->reconnect();
  }
}

Result<CallerConnections::SharedEntry> CallerConnections::find_or_make(const Caller& caller) {
  if (stopping_) {
    return Error(
        Code::Unavailable, "the connection to this MCP server is being ended; retry later"
    );
  }
  std::string key = key_of(caller);
  if (const auto place = entries_.find(key); place != entries_.end()) {
    try_again(place->second.get());
    return place->second;
  }
  SLUICE_CHECK_OK(make_room());
  SharedEntry entry = make(caller);
  entries_.emplace(std::move(key), entry);
  tasks_.spawn("caller-connection", keep(entry));
  return entry;
}

Result<void> CallerConnections::make_room() {
  if (entries_.size() < kCallerConnectionsMax) {
    return {};
  }
  auto oldest = entries_.end();
  for (auto place = entries_.begin(); place != entries_.end(); ++place) {
    if (is_unused(*place->second) &&
        (oldest == entries_.end() || place->second->used < oldest->second->used)) {
      oldest = place;
    }
  }
  if (oldest == entries_.end()) {
    return Error(
        Code::Exhausted,
        "too many callers use this MCP server, which has a connection for each; retry later"
    );
  }
  oldest->second->connection->stop();
  entries_.erase(oldest);
  return {};
}

CallerConnections::SharedEntry CallerConnections::make(const Caller& caller) {
  auto entry = std::make_shared<Entry>();
  entry->server = *deps_.server;
  if (deps_.server->has_user_tokens()) {
    entry->server.token_owner = caller.token_owner;
  }
  entry->used = deps_.clock->now();
  const std::weak_ptr<Entry> weak = entry;
  entry->connection = std::make_shared<ServerConnection>(
      ServerConnection::Deps{
          .executor = deps_.executor,
          .clock = deps_.clock,
          .log = deps_.log,
          .opener = deps_.opener,
          .server = &entry->server,
          .seed = deps_.seed(),
          .on_status = [weak] { status_changed(weak); },
          .on_catalog = [] {},
          .on_resource_updated = [](const std::string&) {},
      },
      std::make_shared<const ToolCatalog>()
  );
  return entry;
}

void CallerConnections::status_changed(const std::weak_ptr<Entry>& weak) {
  const SharedEntry entry = weak.lock();
  if (entry == nullptr) {
    return;
  }
  const auto state = entry->connection->status().state();
  entry->failed = state == connector::v1::SERVER_STATE_ERROR;
  if (entry->failed || entry->connection->connected()) {
    for (auto* waiter : std::exchange(entry->waits, {})) {
      waiter->set({});
    }
  }
}

// Until it is connected. An attempt that fails ends the wait; the connection tries again by itself.
Async<void> CallerConnections::wait(SharedEntry entry, TimePoint deadline) {
  if (!entry->connection->connected() && !entry->failed) {
    async::OneShot<void> done;
    const auto timer = deps_.clock->schedule(deadline, [&done] {
      done.set(Error(
          Code::Deadline, "the MCP server took too long to start for this caller; allow more time"
      ));
    });
    entry->waits.push_back(&done);
    auto waited = co_await done.wait();
    entry->waits.remove(&done);
    SLUICE_CO_CHECK_OK(std::move(waited));
  }
  if (!entry->connection->connected()) {
    co_return Error(
        Code::Unavailable,
        "the MCP server could not be started for this caller: " + entry->connection->message()
    );
  }
  co_return Result<void>();
}

Async<void> CallerConnections::keep(SharedEntry entry) {
  auto ended = co_await entry->connection->run();
  for (auto* waiter : std::exchange(entry->waits, {})) {
    waiter->set(Error(Code::Unavailable, "the connection was ended; retry later"));
  }
  co_return ended;
}

bool CallerConnections::is_unused(const Entry& entry) {
  return entry.waiting == 0 && entry.connection->in_flight() == 0;
}

Async<void> CallerConnections::sweep() {
  while (!stopping_) {
    const TimePoint now = deps_.clock->now();
    std::erase_if(entries_, [now](const auto& place) {
      Entry& entry = *place.second;
      if (!is_unused(entry) || now - entry.used < kCallerConnectionIdle) {
        return false;
      }
      entry.connection->stop();
      return true;
    });
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, now + kCallerConnectionSweep));
  }
  co_return Result<void>();
}

void CallerConnections::end_all() {
  for (const auto& [key, entry] : std::exchange(entries_, {})) {
    entry->connection->stop();
  }
}

void CallerConnections::stop() {
  stopping_ = true;
  end_all();
  wakeup_.raise();
}

}  // namespace sluice::mcp_connector
