#include "services/mcp-connector/handlers/catalog.h"

#include <utility>

namespace sluice::mcp_connector {

Async<connector::v1::CatalogReply> CatalogHandler::operator()(
    connector::v1::CatalogRequest request, RequestContext context
) {
  SLUICE_CO_TRY(auto servers, co_await deps_.catalog->gather(std::move(context)));
  std::vector<std::pair<std::string, std::string>> hashes;
  for (const auto& server : servers) {
    hashes.emplace_back(server.server_id(), server.definitions_hash());
  }
  connector::v1::CatalogReply reply;
  reply.set_version(catalog_version(std::move(hashes)));
  if (reply.version() != request.known_version()) {
    for (auto& server : servers) {
      *reply.add_servers() = std::move(server);
    }
  }
  co_return reply;
}

}  // namespace sluice::mcp_connector
