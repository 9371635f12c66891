#include "services/mcp-connector/handlers/server_catalog.h"

namespace sluice::mcp_connector {

Async<connector::v1::ServerCatalogReply> ServerCatalogHandler::operator()(
    connector::v1::ServerCatalogRequest request, RequestContext /*context*/
) {
  const auto server = deps_.pool->find(request.server_id());
  if (server == nullptr || !server->holds_lease()) {
    co_return Error(Code::Unavailable, "this replica does not hold that MCP server; ask again");
  }
  if (request.reconnect()) {
    server->reconnect();
  }
  connector::v1::ServerCatalogReply reply;
  *reply.mutable_catalog() = server->snapshot();
  co_return reply;
}

}  // namespace sluice::mcp_connector
