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
  gathering->left = deps_.pool->configs().size();
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
  const auto fetched =
      co_await fetch(&deps_.pool->configs()[index], &gathering->servers[index], std::move(context));
  if (--gathering->left == 0) {
    gathering->done.set({});
  }
  co_return fetched;
}

Async<void> MergedCatalog::fetch(
    const ServerConfig* server, connector::v1::ServerCatalog* out, RequestContext context
) {
  if (!is_served(*server)) {
    *out = unconnected_catalog(*server);
    co_return Result<void>();
  }
  const LeasedServer* own = deps_.pool->find(server->id.str());
  if (own != nullptr && own->holds_lease()) {
    SLUICE_CO_TRY(*out, co_await deps_.known->complete(own->snapshot()));
    co_return Result<void>();
  }
  auto live = co_await deps_.holders->catalog_of(server->id, false, std::move(context));
  if (live.ok()) {
    SLUICE_CO_TRY(*out, co_await deps_.known->complete(std::move(live).value()));
    co_return Result<void>();
  }
  SLUICE_CO_TRY(*out, co_await last_known(server));
  co_return Result<void>();
}

Async<connector::v1::ServerCatalog> MergedCatalog::last_known(const ServerConfig* server) {
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

Async<connector::v1::ServerCatalog> MergedCatalog::reconnect(
    std::string server_id, RequestContext context
) {
  const auto& configs = deps_.pool->configs();
  const auto place =
      std::find_if(configs.begin(), configs.end(), [&server_id](const ServerConfig& config) {
        return config.id.str() == server_id;
      });
  if (place == configs.end()) {
    co_return Error(Code::NotFound, "no such server is configured; list the servers for their ids");
  }
  if (!is_served(*place)) {
    co_return unconnected_catalog(*place);
  }
  LeasedServer* own = deps_.pool->find(server_id);
  if (own != nullptr && own->holds_lease()) {
    own->reconnect();
    co_return own->snapshot();
  }
  co_return co_await deps_.holders->catalog_of(
      place->id, true, context.with_deadline(deps_.clock->now() + kHolderTimeout)
  );
}

}  // namespace sluice::mcp_connector
