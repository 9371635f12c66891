#include "services/mcp-connector/connections/known_catalogs.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

// A server that is not connected and lists nothing may have anything.
bool tells_anything(const connector::v1::ServerCatalog& catalog) {
  return catalog.state() == connector::v1::SERVER_STATE_CONNECTED || catalog.tools_size() > 0 ||
         catalog.resources_size() > 0 || catalog.resource_templates_size() > 0 ||
         catalog.prompts_size() > 0;
}

}  // namespace

void KnownCatalogs::saw(const connector::v1::ServerCatalog& catalog) {
  auto& known = seen_[catalog.server_id()];
  if (known.definitions_hash() != catalog.definitions_hash()) {
    known = catalog;
  }
}

Async<void> KnownCatalogs::put(connector::v1::ServerCatalog catalog) {
  if (tells_anything(catalog)) {
    saw(catalog);
  }
  co_return co_await copies_->put(std::move(catalog));
}

Async<std::optional<connector::v1::ServerCatalog>> KnownCatalogs::get(ServerId server) {
  auto copy = co_await copies_->get(server);
  if (!copy.ok() && copy.error().code() == Code::Cancelled) {
    co_return copy;
  }
  if (copy.ok() && copy.value() && tells_anything(*copy.value())) {
    saw(*copy.value());
    co_return copy;
  }
  if (const auto place = seen_.find(server.str()); place != seen_.end()) {
    co_return std::optional(place->second);
  }
  co_return copy;
}

Async<connector::v1::ServerCatalog> KnownCatalogs::complete(connector::v1::ServerCatalog catalog) {
  if (tells_anything(catalog)) {
    saw(catalog);
    co_return catalog;
  }
  const auto known = co_await get(ServerId(catalog.server_id()));
  if (known.ok() && known.value()) {
    *catalog.mutable_tools() = known.value()->tools();
    *catalog.mutable_resources() = known.value()->resources();
    *catalog.mutable_resource_templates() = known.value()->resource_templates();
    *catalog.mutable_prompts() = known.value()->prompts();
    catalog.set_completions(known.value()->completions());
    catalog.set_definitions_hash(known.value()->definitions_hash());
  }
  co_return catalog;
}

}  // namespace sluice::mcp_connector
