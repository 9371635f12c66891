// Lists servers as the management API shows them, reconnects one, and leads to what changes them.
#pragma once

#include "services/mcp-connector/connections/merged_catalog.h"
#include "services/mcp-connector/handlers/manage_oauth.h"
#include "services/mcp-connector/handlers/manage_servers.h"

#include "common/audit/client.h"
#include "common/grant/grant.h"

namespace sluice::mcp_connector {

// Errors: Unauthenticated, Denied (without the admin role, but for the authorization of a principal
// by itself), Invalid, NotFound, Unavailable; and
// those of the operations.
class ManageHandler {
 public:
  struct Deps {
    async::Clock* clock;
    MergedCatalog* catalog;
    ServerPool* pool;
    ServerOperations* servers;
    const grant::KeyRing* token_keys;
    audit::Client* audit;
    OAuthOperations* oauth;
  };

  explicit ManageHandler(Deps deps) : deps_(deps) {}

  Async<connector::v1::ManageReply> operator()(
      connector::v1::ManageRequest request, RequestContext context
  );

 private:
  Async<connector::v1::ManageReply> list(RequestContext context);
  // And what is kept for it.
  Async<connector::v1::ManageReply> remove(
      connector::v1::ManageRequest::RemoveServer request, RequestContext context
  );
  Async<connector::v1::ManageReply> reconnect(std::string server_id, RequestContext context);
  [[nodiscard]] connector::v1::ManagedServer managed(connector::v1::ServerCatalog catalog) const;

  Deps deps_;
};

}  // namespace sluice::mcp_connector
