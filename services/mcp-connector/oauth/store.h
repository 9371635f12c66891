// What OAuth keeps over restarts and between replicas, as an interface. Real one:
// adapters/postgres_tokens.h; fake: testing/fake_tokens.h. Errors of every operation: Unavailable,
// Deadline.
#pragma once

#include "services/mcp-connector/oauth/challenge.h"
#include "services/mcp-connector/oauth/tokens.h"

#include "common/async/async.h"

#include <chrono>
#include <optional>
#include <string>

namespace sluice::mcp_connector::oauth {

// Whose tokens: one server's, for one principal or, where it is empty, for everybody.
struct TokenOwner {
  std::string server_id;
  std::string principal;

  friend bool operator==(const TokenOwner&, const TokenOwner&) = default;
  friend auto operator<=>(const TokenOwner&, const TokenOwner&) = default;
};

// What the server wanted when it was refused last, for whoever begins the authorization.
struct Demand {
  Challenge challenge;
  std::string issuer;   // of the tokens that did not suffice; empty: there were none
  Scopes asked_before;  // for those tokens

  friend bool operator==(const Demand&, const Demand&) = default;
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;

  virtual Async<std::optional<Tokens>> find(TokenOwner owner) = 0;
  // In place of those the owner had, from whatever issuer.
  virtual Async<void> put(TokenOwner owner, Tokens tokens) = 0;
  virtual Async<void> drop(TokenOwner owner) = 0;
  // Tokens and demands of all principals.
  virtual Async<void> forget(std::string server_id) = 0;

  // Registrations of this gateway: one for each issuer and redirect URI.
  virtual Async<std::optional<Client>> find_client(std::string issuer, std::string redirect) = 0;
  virtual Async<void> put_client(std::string issuer, std::string redirect, Client client) = 0;
  virtual Async<void> drop_client(std::string issuer, std::string client_id) = 0;

  // Authorizations under way, by their state. One can be taken once, and only until its time.
  virtual Async<void> begin(std::string state, Pending pending, std::chrono::milliseconds time) = 0;
  virtual Async<std::optional<Pending>> take(std::string state) = 0;

  virtual Async<std::optional<Demand>> find_demand(TokenOwner owner) = 0;
  virtual Async<void> put_demand(TokenOwner owner, Demand demand) = 0;
};

}  // namespace sluice::mcp_connector::oauth
