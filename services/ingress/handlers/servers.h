// GET /api/mcp/clients: the MCP servers with their state and tools, in Bifrost's shape. Admins
// only.
//
// Shape: {clients:[{config,tools,state,…}],count,total_count,limit,offset}; parameters limit,
// offset and search (in names). Errors: Invalid, Unauthenticated, Denied, Unavailable
// (mcp-connector does not answer).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class ServersHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ToolServers* servers;
  };

  explicit ServersHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
