// Lists servers as the management API shows them, and reconnects one.
#pragma once

#include "services/mcp-connector/connections/merged_catalog.h"

#include "common/audit/client.h"
#include "common/grant/grant.h"

namespace sluice::mcp_connector {

// Errors: Unauthenticated, Denied (reconnect without the admin role), Invalid, NotFound,
// Unavailable.
class ManageHandler {
 public:
  struct Deps {
    async::Clock* clock;
    MergedCatalog* catalog;
    const std::vector<ServerConfig>* servers;
    const grant::KeyRing* token_keys;
    audit::Client* audit;
  };

  explicit ManageHandler(Deps deps) : deps_(deps) {}

  Async<connector::v1::ManageReply> operator()(
      connector::v1::ManageRequest request, RequestContext context
  );

 private:
  Async<connector::v1::ManageReply> list(RequestContext context);
  Async<connector::v1::ManageReply> reconnect(std::string server_id, RequestContext context);
  [[nodiscard]] connector::v1::ManagedServer managed(connector::v1::ServerCatalog catalog) const;

  Deps deps_;
};

}  // namespace sluice::mcp_connector
