#include "services/mcp-connector/handlers/catalog.h"

#include "common/crypto/sha256.h"

#include <string>
#include <utility>

namespace sluice::mcp_connector {
namespace {

// What a version covers of a server. One added by API brings its policy with it, under no policy
// version: when the policy changes, so does the catalog's version, and with it whatever is kept for
// the old one (policy-engine's snapshot, ingress' lists). Until policy-engine has the new catalog
// it may still grant by the old; the holder refuses what its own tools_to_execute does not name.
std::string hash_of(const connector::v1::ServerCatalog& server) {
  if (server.policy_config().empty()) {
    return server.definitions_hash();
  }
  crypto::Sha256 hash;
  hash.field(server.definitions_hash()).field(server.policy_config());
  return hash.finish();
}

}  // namespace

Async<connector::v1::CatalogReply> CatalogHandler::operator()(
    connector::v1::CatalogRequest request, RequestContext context
) {
  SLUICE_CO_TRY(auto servers, co_await deps_.catalog->gather(std::move(context)));
  std::vector<std::pair<std::string, std::string>> hashes;
  for (const auto& server : servers) {
    hashes.emplace_back(server.server_id(), hash_of(server));
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
