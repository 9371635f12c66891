// POST /api/mcp/client/{id}/authorize: begins the authorization of the gateway at a server of
// auth_type oauth, which takes an admin, or of per_user_oauth, where everybody does it for its own
// calls. mcp-connector knows which of both a server is, and refuses.
//
// Answers {"authorization_url":…}: where the caller's browser goes; it comes back to
// /api/mcp/oauth/callback. Errors: Unauthenticated, Denied, NotFound, Invalid (the server needs no
// person, or browsers cannot come back), Unavailable.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <string>

namespace sluice::ingress {

class OAuthAuthorizeHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    ToolServers* servers;
    std::string public_url;  // as browsers know the gateway; empty: as the request names it
    bool tls = false;        // whether the gateway itself speaks it
  };

  explicit OAuthAuthorizeHandler(Deps deps) : deps_(std::move(deps)) {}

  Async<http::HttpResponse> operator()(http::HttpRequest request, RequestContext context);

 private:
  [[nodiscard]] std::string redirect_uri(const http::HttpRequest& request) const;

  Deps deps_;
};

}  // namespace sluice::ingress
