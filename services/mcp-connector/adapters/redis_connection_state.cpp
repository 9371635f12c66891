#include "services/mcp-connector/adapters/redis_connection_state.h"

#include "services/mcp-connector/adapters/redis_keys.h"
#include "services/mcp-connector/limits.h"

namespace sluice::mcp_connector {
namespace {

std::string ttl_seconds() {
  return std::to_string(std::chrono::seconds(kCopyTtl).count());
}

}  // namespace

Async<void> RedisConnectionState::put(connector::v1::ServerCatalog catalog) {
  const ServerId server(catalog.server_id());
  const std::string whole = catalog.SerializeAsString();
  catalog.clear_tools();
  catalog.clear_resources();
  catalog.clear_resource_templates();
  catalog.clear_prompts();
  const std::string state = catalog.SerializeAsString();
  // Named, because a braced list of strings inside co_await is not portable.
  std::vector<std::string> state_words{"SET", state_key(server), state, "EX", ttl_seconds()};
  SLUICE_CO_TRY(const redis::Reply state_reply, co_await redis_->command(std::move(state_words)));
  if (whole.size() <= kCatalogCopyBytesMax) {
    std::vector<std::string> words{"SET", catalog_key(server), whole, "EX", ttl_seconds()};
    SLUICE_CO_TRY(const redis::Reply reply, co_await redis_->command(std::move(words)));
  }
  co_return Result<void>();
}

Async<std::optional<connector::v1::ServerCatalog>> RedisConnectionState::get(ServerId server) {
  std::vector<std::string> words{"GET", catalog_key(server)};
  SLUICE_CO_TRY(const redis::Reply reply, co_await redis_->command(std::move(words)));
  const auto bytes = reply.text();
  connector::v1::ServerCatalog catalog;
  if (!bytes || !catalog.ParseFromString(*bytes) || catalog.server_id() != server.str()) {
    co_return std::optional<connector::v1::ServerCatalog>();
  }
  co_return std::optional(std::move(catalog));
}

}  // namespace sluice::mcp_connector
