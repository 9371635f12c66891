#include "services/policy-engine/domain/catalog.h"

#include "services/policy-engine/limits.h"

#include "common/json/parse.h"
#include "common/mcp/server_catalog.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace sluice::policy_engine {
namespace {

// A definition that cannot be read hints at nothing.
bool hints_read_only(const std::string& definition) {
  const auto value = json::parse(definition);
  const json::Value* const annotations = value.ok() ? value.value().find("annotations") : nullptr;
  const json::Value* const hint =
      annotations != nullptr ? annotations->find("readOnlyHint") : nullptr;
  return hint != nullptr && hint->as_bool().value_or(false);
}

std::string route_in(const std::string& policy_config) {
  const auto config = json::parse(policy_config);
  return config.ok() ? config.value().text_or("route", "") : std::string();
}

void sort_by_id(std::vector<CatalogServer>& servers) {
  std::sort(servers.begin(), servers.end(), [](const CatalogServer& a, const CatalogServer& b) {
    return a.id < b.id;
  });
  const auto repeated = std::unique(
      servers.begin(),
      servers.end(),
      [](const CatalogServer& a, const CatalogServer& b) { return a.id == b.id; }
  );
  servers.erase(repeated, servers.end());
}

}  // namespace

Result<void> check_size(const connector::v1::CatalogReply& reply) {
  std::size_t tools = 0;
  for (const auto& server : reply.servers()) {
    tools += static_cast<std::size_t>(server.tools_size());
  }
  if (tools > kCatalogToolsMax) {
    return Error(
        Code::Exhausted,
        "the MCP servers offer more than " + std::to_string(kCatalogToolsMax) +
            " tools; remove servers or disable some"
    );
  }
  return {};
}

Result<std::shared_ptr<const Catalog>> Catalog::from(
    const connector::v1::CatalogReply& reply,
    const AddedPolicyReader& read_added,
    const CheckedPins& pins
) {
  SLUICE_CHECK_OK(check_size(reply));
  auto catalog = std::make_shared<Catalog>();
  catalog->version_ = reply.version();
  catalog->pins_stamp_ = pins.stamp;
  catalog->has_all_pins_ = pins.complete;
  for (const auto& server : reply.servers()) {
    const AddedPolicy added = read_added && !server.policy_config().empty()
                                  ? read_added(server.name(), server.policy_config())
                                  : nullptr;
    catalog->servers_.push_back(
        {server.server_id(),
         server.name(),
         mcp::is_awaited(server),
         added,
         route_in(server.policy_config())}
    );
    for (const auto& tool : server.tools()) {
      const std::size_t place = catalog->tools_.size();
      catalog->tools_.push_back(
          {server.server_id(),
           server.name(),
           tool.name(),
           tool.definition_hash(),
           hints_read_only(tool.definition()),
           added,
           place < pins.states.size() ? pins.states[place] : PinState::Unread}
      );
    }
  }
  sort_by_id(catalog->servers_);
  auto& tools = catalog->tools_;
  std::sort(tools.begin(), tools.end(), [](const CatalogTool& a, const CatalogTool& b) {
    return std::tie(a.server, a.tool, a.server_id) < std::tie(b.server, b.tool, b.server_id);
  });
  catalog->by_id_.resize(tools.size());
  std::iota(catalog->by_id_.begin(), catalog->by_id_.end(), std::size_t{0});
  std::sort(catalog->by_id_.begin(), catalog->by_id_.end(), [&tools](std::size_t a, std::size_t b) {
    return std::tie(tools[a].server_id, tools[a].tool) <
           std::tie(tools[b].server_id, tools[b].tool);
  });
  return std::shared_ptr<const Catalog>(std::move(catalog));
}

const CatalogServer* Catalog::find_server(std::string_view server_id) const {
  const auto found = std::lower_bound(
      servers_.begin(),
      servers_.end(),
      server_id,
      [](const CatalogServer& server, std::string_view id) { return server.id < id; }
  );
  return found == servers_.end() || found->id != server_id ? nullptr : &*found;
}

const CatalogTool* Catalog::find(std::string_view server_id, std::string_view tool) const {
  using Key = std::pair<std::string_view, std::string_view>;
  const Key wanted{server_id, tool};
  const auto key_at = [this](std::size_t index) {
    return Key{tools_[index].server_id, tools_[index].tool};
  };
  const auto found = std::lower_bound(
      by_id_.begin(),
      by_id_.end(),
      wanted,
      [&key_at](std::size_t index, const Key& key) { return key_at(index) < key; }
  );
  return found == by_id_.end() || key_at(*found) != wanted ? nullptr : &tools_[*found];
}

}  // namespace sluice::policy_engine
