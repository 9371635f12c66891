#include "services/mcp-connector/connections/merged_catalog.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {

MergedCatalog::MergedCatalog(Deps deps)
    : deps_(std::move(deps)),
      tasks_(deps_.executor, [log = deps_.log](std::string_view, const Error& error) {
        log->error("catalog-task-failed", {{"error", error.to_log()}});
      }) {}

Async<std::vector<connector::v1::ServerCatalog>> MergedCatalog::gather(RequestContext context) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->configs = deps_.pool->configs();
  gathering->left = gathering->configs.size();
  gathering->servers.resize(gathering->left);
  const auto bounded = context.with_deadline(deps_.clock->now() + kHolderTimeout);
  for (std::size_t i = 0; i < gathering->servers.size(); ++i) {
    tasks_.spawn("fetch", fetch_one(gathering, i, bounded));
  }
  if (gathering->left > 0) {
    SLUICE_CO_CHECK_OK(co_await gathering->done.wait());
  }
  co_return std::move(gathering->servers);
}

Async<void> MergedCatalog::fetch_one(
    std::shared_ptr<Gathering> gathering, std::size_t index, RequestContext context
) {
  auto fetched = co_await of(gathering->configs[index], std::move(context));
  const auto result = fetched.ok() ? Result<void>() : Result<void>(fetched.error());
  if (fetched.ok()) {
    gathering->servers[index] = std::move(fetched).value();
  }
  if (--gathering->left == 0) {
    gathering->done.set({});
  }
  co_return result;
}

// What policy-engine reads comes from the replica that answers, not from the holder: it changes
// without the holder's doing.
Async<connector::v1::ServerCatalog> MergedCatalog::of(
    ServerPool::Config server, RequestContext context
) {
  SLUICE_CO_TRY(auto catalog, co_await fetch(server, std::move(context)));
  catalog.set_policy_config(server->added ? server->added->policy_config : "");
  co_return catalog;
}

Async<connector::v1::ServerCatalog> MergedCatalog::fetch(
    ServerPool::Config server, RequestContext context
) {
  if (!is_served(*server)) {
    co_return unconnected_catalog(*server);
  }
  const auto own = deps_.pool->find(server->id.str());
  if (own != nullptr && own->holds_lease()) {
    co_return co_await deps_.known->complete(own->snapshot());
  }
  auto live = co_await deps_.holders->catalog_of(server->id, false, std::move(context));
  if (live.ok()) {
    co_return co_await deps_.known->complete(std::move(live).value());
  }
  co_return co_await last_known(std::move(server));
}

Async<connector::v1::ServerCatalog> MergedCatalog::last_known(ServerPool::Config server) {
  connector::v1::ServerCatalog out;
  const auto copy = co_await deps_.known->get(server->id);
  if (copy.ok() && copy.value()) {
    out = *copy.value();
  } else {
    ToolCatalog().fill(&out);
  }
  out.set_server_id(server->id.str());
  out.set_name(server->name);
  out.set_unprefixed(server->unprefixed);
  out.set_state(connector::v1::SERVER_STATE_DISCONNECTED);
  out.set_stage("connect");
  out.set_message(
      "no replica answers for this server at the moment; it is taken over within seconds"
  );
  out.clear_holder();
  co_return out;
}

std::shared_ptr<const ServerConfig> MergedCatalog::config_of(std::string_view id) const {
  return deps_.pool->config_of(id);
}

Async<connector::v1::ServerCatalog> MergedCatalog::reconnect(
    std::string server_id, RequestContext context
) {
  const ServerPool::Config config = deps_.pool->config_of(server_id);
  if (config == nullptr) {
    co_return Error(Code::NotFound, "there is no such server; list the servers for their ids");
  }
  if (!is_served(*config)) {
    co_return unconnected_catalog(*config);
  }
  const auto own = deps_.pool->find(config->id.str());
  if (own != nullptr && own->holds_lease()) {
    own->reconnect();
    co_return own->snapshot();
  }
  co_return co_await deps_.holders->catalog_of(
      config->id, true, context.with_deadline(deps_.clock->now() + kHolderTimeout)
  );
}

}  // namespace sluice::mcp_connector
