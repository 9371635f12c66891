// AuthorizationFlow: a person authorizes the gateway at a server's authorization server: where the
// browser is sent, and what is done with what comes back (OAuth 2.1 authorization code with PKCE).
#pragma once

#include "services/mcp-connector/oauth/endpoints.h"
#include "services/mcp-connector/oauth/store.h"

#include "common/observability/log.h"

#include <string>

namespace sluice::mcp_connector::oauth {

// Who begins an authorization.
struct Beginner {
  std::string tenant;
  std::string principal;
  std::string token_owner;  // whose tokens they will be; empty: the gateway's
};

class AuthorizationFlow {
 public:
  struct Deps {
    observability::Log* log;
    TokenStore* store;
    Endpoints* endpoints;
  };

  explicit AuthorizationFlow(Deps deps) : deps_(deps) {}

  // The URL for the browser. server is not used after the first wait. Errors: Invalid (the server
  // needs no person, or redirect_uri is none), those of Endpoints, Unavailable.
  Async<std::string> begin(const ServerConfig* server, std::string redirect_uri, Beginner by);

  // The authorization that a state belongs to; from then on the state is used up.
  // Errors: Denied (unknown, used or too old), Unavailable.
  Async<Pending> take(std::string state);
  // Redeems the code and keeps the tokens. server: the one of the pending authorization, not used
  // after the first wait. Errors: Denied, Invalid, Unavailable, Deadline.
  Async<void> finish(const ServerConfig* server, Pending pending, Answer answer);

  // Tokens and demands of a server that is no more. Errors: Unavailable, Deadline.
  Async<void> forget(std::string server_id) { return deps_.store->forget(std::move(server_id)); }

 private:
  Async<Client> client_for(
      std::shared_ptr<const Target> target, IssuerMetadata issuer, std::string redirect_uri
  );

  Deps deps_;
};

}  // namespace sluice::mcp_connector::oauth
