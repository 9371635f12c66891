// The forms in which tokens, clients and pending authorizations are kept.
#include "services/mcp-connector/oauth/tokens.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

json::Value client_value(const Client& client) {
  return json::object(
      {{"id", client.id},
       {"secret", client.secret.reveal()},
       {"auth", std::string(name_of(client.auth))}}
  );
}

Client client_in(const json::Value& value) {
  return {
      .id = value.text_or("id", ""),
      .secret = Secret<std::string>(value.text_or("secret", "")),
      .auth = client_auth_named(value.text_or("auth", ""))
  };
}

json::Value tokens_value(const Tokens& tokens) {
  return json::object(
      {{"issuer", tokens.issuer},
       {"resource", tokens.resource},
       {"token_endpoint", tokens.token_endpoint},
       {"client", client_value(tokens.client)},
       {"access", tokens.access.reveal()},
       {"refresh", tokens.refresh.reveal()},
       {"scopes", joined(tokens.scopes)},
       {"expires_unix_ms", tokens.expires_unix_ms}}
  );
}

std::optional<Tokens> tokens_in(const json::Value* value) {
  const json::Value* client = value == nullptr ? nullptr : value->find("client");
  const json::Value* expires = value == nullptr ? nullptr : value->find("expires_unix_ms");
  if (client == nullptr || expires == nullptr) {
    return std::nullopt;
  }
  return Tokens{
      .issuer = value->text_or("issuer", ""),
      .resource = value->text_or("resource", ""),
      .token_endpoint = value->text_or("token_endpoint", ""),
      .client = client_in(*client),
      .access = Secret<std::string>(value->text_or("access", "")),
      .refresh = Secret<std::string>(value->text_or("refresh", "")),
      .scopes = parse_scopes(value->text_or("scopes", "")),
      .expires_unix_ms = expires->as_int().value_or(0)
  };
}

}  // namespace

std::string write_tokens(const Tokens& tokens) {
  return json::write(tokens_value(tokens));
}

std::optional<Tokens> read_tokens(std::string_view text) {
  const auto value = json::parse(text);
  return value.ok() ? tokens_in(&value.value()) : std::nullopt;
}

std::string write_pending(const Pending& pending) {
  return json::write(json::object(
      {{"server_id", pending.server_id},
       {"principal", pending.principal},
       {"tenant", pending.tenant},
       {"began_by", pending.began_by},
       {"redirect_uri", pending.redirect_uri},
       {"verifier", pending.verifier},
       {"expects_issuer", pending.expects_issuer},
       {"tokens", tokens_value(pending.tokens)}}
  ));
}

std::optional<Pending> read_pending(std::string_view text) {
  const auto value = json::parse(text);
  auto tokens = value.ok() ? tokens_in(value.value().find("tokens")) : std::nullopt;
  if (!tokens) {
    return std::nullopt;
  }
  const json::Value* expects = value.value().find("expects_issuer");
  return Pending{
      .server_id = value.value().text_or("server_id", ""),
      .principal = value.value().text_or("principal", ""),
      .tenant = value.value().text_or("tenant", ""),
      .began_by = value.value().text_or("began_by", ""),
      .redirect_uri = value.value().text_or("redirect_uri", ""),
      .verifier = value.value().text_or("verifier", ""),
      .expects_issuer = expects != nullptr && expects->as_bool().value_or(true),
      .tokens = std::move(*tokens)
  };
}

std::string write_client(const Client& client) {
  return json::write(client_value(client));
}

std::optional<Client> read_client(std::string_view text) {
  const auto value = json::parse(text);
  if (!value.ok() || value.value().text_or("id", "").empty()) {
    return std::nullopt;
  }
  return client_in(value.value());
}

}  // namespace sluice::mcp_connector::oauth
