// POST /api/mcp/client, PUT and DELETE /api/mcp/client/{id}, POST /api/mcp/client/{id}/reconnect:
// adds, changes, removes and reconnects an MCP server. Admins only.
//
// A body is an object as of mcp.client_configs; of a PUT the members that change, null removing
// one, with {"disabled":true} to switch a server off. {id} is the server's client_id or its name.
// Answers 200 {"status":"success","message",…,"client"}, client as GET /api/mcp/clients lists it; a
// DELETE's has none. Errors: Invalid (all faults of the body, one a line), Unauthenticated, Denied,
// NotFound, Conflict (a server of the configuration file, a name that is taken), Unavailable.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <string_view>

namespace sluice::ingress {

class ManageServersHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ToolServers* servers;
  };

  explicit ManageServersHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> add(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> update(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> remove(http::HttpRequest request, RequestContext context);
  Async<http::HttpResponse> reconnect(http::HttpRequest request, RequestContext context);

 private:
  Async<http::HttpResponse> send(
      http::HttpRequest request,
      connector::v1::ManageRequest operation,
      std::string_view message,
      RequestContext context
  );

  Deps deps_;
};

}  // namespace sluice::ingress
