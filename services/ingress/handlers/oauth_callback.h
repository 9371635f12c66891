// GET /api/mcp/oauth/callback: where an authorization server sends the browser back to. Needs no
// key: the state in the query is the credential. Answers a page for a person, which repeats nothing
// of the request. Errors: none; the page says what to do.
#pragma once

#include "services/ingress/ports.h"

#include "common/http/message.h"

namespace sluice::ingress {

class OAuthCallbackHandler {
 public:
  struct Deps {
    ToolServers* servers;  // outlives the handler
  };

  explicit OAuthCallbackHandler(Deps deps) : deps_(deps) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
