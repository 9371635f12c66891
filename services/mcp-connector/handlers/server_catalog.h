// Answers for one leased server: its state and its tools, live. Another replica may ask to have it
// reconnected first.
#pragma once

#include "services/mcp-connector/connections/server_pool.h"

#include "common/async/request_context.h"

namespace sluice::mcp_connector {

// Errors: Unavailable (the lease is not held here any more).
class ServerCatalogHandler {
 public:
  struct Deps {
    ServerPool* pool;
  };

  explicit ServerCatalogHandler(Deps deps) : deps_(deps) {}

  Async<connector::v1::ServerCatalogReply> operator()(
      connector::v1::ServerCatalogRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::mcp_connector
