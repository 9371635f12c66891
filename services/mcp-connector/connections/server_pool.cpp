#include "services/mcp-connector/connections/server_pool.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

// Of a server that the configuration owns.
ServerPool::Config borrowed(const ServerConfig& config) {
  return {std::shared_ptr<void>(), &config};
}

bool is_equal(const ServerConfig& a, const ServerConfig& b) {
  return a.added && b.added && a.added->digest == b.added->digest;
}

bool has_same_connection(const ServerConfig& a, const ServerConfig& b) {
  return a.added && b.added && a.added->connection_digest == b.added->connection_digest &&
         is_served(a) == is_served(b);
}

}  // namespace

ServerPool::ServerPool(
    LeasedServer::Deps deps, std::uint64_t seed, const std::vector<ServerConfig>* servers
)
    : deps_(std::move(deps)),
      seeds_(seed),
      in_file_(servers),
      tasks_(deps_.executor, [log = deps_.log](std::string_view name, const Error& error) {
        log->error("server-run-failed", {{"server", name}, {"error", error.to_log()}});
      }) {
  deps_.held = [this] { return held(); };
  for (const ServerConfig& server : *servers) {
    begin(borrowed(server));
  }
}

void ServerPool::start() {
  started_ = true;
  for (const auto& [id, server] : servers_) {
    run(server);
  }
}

Async<void> ServerPool::stop() {
  stopping_ = true;
  for (const auto& [id, server] : servers_) {
    server->stop();
  }
  co_return co_await tasks_.close();
}

std::vector<ServerPool::Config> ServerPool::set_added(const std::vector<Config>& added) {
  std::vector<Config> changed;
  if (stopping_) {
    return changed;
  }
  std::map<std::string, Config, std::less<>> wanted;
  for (const Config& config : added) {
    if (!is_in_file(config->id)) {
      wanted.emplace(config->id.str(), config);
    }
  }
  for (const auto& [id, config] : added_) {
    if (!wanted.contains(id)) {
      end(id);
      changed.push_back(config);
    }
  }
  for (const auto& [id, config] : wanted) {
    const auto before = added_.find(id);
    if (before != added_.end() && is_equal(*before->second, *config)) {
      continue;
    }
    changed.push_back(config);
    if (before == added_.end()) {
      begin(config);
    } else if (!has_same_connection(*before->second, *config)) {
      end(id);
      begin(config);
    } else if (const auto server = find(id)) {
      server->reconfigure(config);
    }
  }
  added_ = std::move(wanted);
  return changed;
}

void ServerPool::begin(const Config& config) {
  if (!is_served(*config)) {
    return;
  }
  deps_.seed = seeds_();
  auto server = std::make_shared<LeasedServer>(deps_, config);
  servers_[config->id.str()] = server;
  if (started_) {
    run(server);
  }
}

void ServerPool::end(const std::string& id) {
  if (const auto place = servers_.find(id); place != servers_.end()) {
    place->second->stop();
    servers_.erase(place);
  }
}

void ServerPool::run(const std::shared_ptr<LeasedServer>& server) {
  End& last = ends_[server->config().id.str()];
  const End before = std::exchange(last, std::make_shared<async::OneShot<void>>());
  tasks_.spawn(server->config().name, run_after(before, server, last));
}

// One of an id at a time: the next begins when the lease of the one before is given back.
Async<void> ServerPool::run_after(End before, std::shared_ptr<LeasedServer> server, End end) {
  if (before) {
    SLUICE_CO_CHECK_OK(co_await before->wait());
  }
  const auto ended = co_await server->run();
  end->set({});
  const auto place = ends_.find(server->config().id.str());
  if (place != ends_.end() && place->second == end) {
    ends_.erase(place);
  }
  co_return ended;
}

std::shared_ptr<LeasedServer> ServerPool::find(std::string_view id) const {
  const auto place = servers_.find(id);
  return place == servers_.end() ? nullptr : place->second;
}

std::vector<ServerPool::Config> ServerPool::configs() const {
  std::vector<Config> configs;
  configs.reserve(in_file_->size() + added_.size());
  for (const ServerConfig& config : *in_file_) {
    configs.push_back(borrowed(config));
  }
  for (const auto& [id, config] : added_) {
    configs.push_back(config);
  }
  return configs;
}

ServerPool::Config ServerPool::config_of(std::string_view id_or_name) const {
  const auto all = configs();
  const auto place = std::find_if(all.begin(), all.end(), [id_or_name](const Config& config) {
    return config->id.str() == id_or_name || config->name == id_or_name;
  });
  return place == all.end() ? nullptr : *place;
}

bool ServerPool::is_in_file(const ServerId& id) const {
  return std::any_of(in_file_->begin(), in_file_->end(), [&id](const ServerConfig& config) {
    return config.id == id;
  });
}

std::size_t ServerPool::held() const {
  return static_cast<std::size_t>(std::count_if(
      servers_.begin(),
      servers_.end(),
      [](const auto& entry) { return entry.second->holds_lease(); }
  ));
}

}  // namespace sluice::mcp_connector
