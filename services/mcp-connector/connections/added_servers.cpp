#include "services/mcp-connector/connections/added_servers.h"

#include "services/mcp-connector/config_api.h"
#include "services/mcp-connector/limits.h"

#include "common/json/parse.h"

#include <memory>
#include <utility>

namespace sluice::mcp_connector {

Async<void> AddedServers::run() {
  while (!stopping_) {
    const auto read = co_await reload();
    if (!read.ok() && read.error().code() == Code::Cancelled) {
      co_return read;
    }
    if (stopping_) {
      break;
    }
    const auto wait = read.ok() ? kServersReloadEvery : kServersRetryEvery;
    SLUICE_CO_CHECK_OK(co_await wakeup_.sleep_until(deps_.clock, deps_.clock->now() + wait));
  }
  co_return Result<void>();
}

void AddedServers::stop() {
  stopping_ = true;
  wakeup_.raise();
}

Async<void> AddedServers::reload() {
  const std::uint64_t reading = ++asked_;
  const auto rows = co_await deps_.store->list();
  if (!rows.ok()) {
    if (!std::exchange(trouble_logged_, true)) {
      deps_.log->warn("added-servers-not-read", {{"error", rows.error().to_log()}});
    }
    if (!missing_.empty()) {
      missing_ = "the servers added by API cannot be read: " + rows.error().message();
    }
    co_return rows.error();
  }
  trouble_logged_ = false;
  missing_.clear();
  if (reading > applied_) {  // else one that began later has been applied and saw more
    applied_ = reading;
    apply(rows.value());
  }
  co_return Result<void>();
}

void AddedServers::apply(const std::vector<ServerStore::Row>& rows) {
  std::vector<ServerPool::Config> configs;
  for (const ServerStore::Row& row : rows) {
    if (auto config = read(row)) {
      configs.push_back(std::move(config));
    }
  }
  const auto changed = deps_.pool->set_added(configs);
  for (const auto& config : changed) {
    if (deps_.pool->config_of(config->id.str()) == nullptr) {
      deps_.known->forget(config->id);
    }
    // Said by every replica, after it has the change: whoever fetches the catalog after the last of
    // these gets the new one, whichever replica answers.
    connector::v1::CatalogChanged event;
    event.set_server_id(config->id.str());
    deps_.announcer->catalog_changed(event);
  }
}

// A row may have become unusable since it was stored: by another key, or by settings of this
// service that allow less. It stays in the store, where it can be changed or removed.
ServerPool::Config AddedServers::read(const ServerStore::Row& row) {
  Result<ServerConfig> config = [&]() -> Result<ServerConfig> {
    if (!row.config) {
      return Error(
          Code::Invalid, "it was stored with another store.key; remove it and add it again"
      );
    }
    SLUICE_TRY(const json::Value body, json::parse(*row.config));
    return read_added_server(body, *deps_.settings);
  }();
  if (config.ok() && config.value().id == row.id) {
    refused_.erase(row.name);
    return std::make_shared<const ServerConfig>(std::move(config).value());
  }
  if (std::exchange(refused_[row.name], row.revision) != row.revision) {
    deps_.log->error(
        "added-server-not-usable",
        {{"server", row.name},
         {"error", config.ok() ? "its id is that of another name" : config.error().to_log()}}
    );
  }
  return nullptr;
}

}  // namespace sluice::mcp_connector
