// Endpoints: the HTTP side of OAuth: finds metadata, registers, asks for tokens. Under the guard of
// the server it is for; redirects are not followed.
#pragma once

#include "services/mcp-connector/oauth/target.h"

#include "common/async/clock.h"
#include "common/http/client.h"

namespace sluice::mcp_connector::oauth {

struct Discovered {
  ResourceMetadata resource;
  IssuerMetadata issuer;
};

class Endpoints {
 public:
  struct Deps {
    async::Clock* clock;
    http::Client* client;  // takes bodies up to kBodyBytesMax; outlives this
  };

  explicit Endpoints(Deps deps) : deps_(deps) {}

  // Errors: Invalid (metadata that cannot be used), Denied (another issuer than the operator's, or
  // an address that is not allowed), NotFound (no metadata), Unavailable, Deadline.
  Async<Discovered> discover(std::shared_ptr<const Target> target, Challenge challenge);
  // Errors: Invalid, Denied, Unavailable, Deadline.
  Async<Client> register_client(
      std::shared_ptr<const Target> target, IssuerMetadata issuer, std::string redirect_uri
  );
  // The tokens with what the endpoint answered. Errors: those of parse_token_response(),
  // Unavailable, Deadline.
  Async<Tokens> ask(std::shared_ptr<const Target> target, TokenRequest request, Tokens tokens);

 private:
  Async<ResourceMetadata> find_resource(std::shared_ptr<const Target> target, Challenge challenge);
  Async<IssuerMetadata> find_issuer(std::shared_ptr<const Target> target, std::string issuer);
  Async<std::optional<std::string>> document_at(
      std::shared_ptr<const Target> target, std::string url
  );
  [[nodiscard]] http::ClientRequest request(
      const Target& target, std::string method, std::string url
  ) const;

  Deps deps_;
};

}  // namespace sluice::mcp_connector::oauth
