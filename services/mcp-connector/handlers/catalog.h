// Answers the catalog of all servers, from any replica.
#pragma once

#include "services/mcp-connector/connections/merged_catalog.h"

namespace sluice::mcp_connector {

// A caller that names the current version gets no servers. Servers nobody answers for are in it,
// marked disconnected.
class CatalogHandler {
 public:
  struct Deps {
    MergedCatalog* catalog;
  };

  explicit CatalogHandler(Deps deps) : deps_(deps) {}

  Async<connector::v1::CatalogReply> operator()(
      connector::v1::CatalogRequest request, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::mcp_connector
