// OAuthRig: a server "files" of auth_type oauth with its authorization server, written down, and a
// store in memory.
#pragma once

#include "services/mcp-connector/oauth/authorizer.h"
#include "services/mcp-connector/oauth/flow.h"
#include "services/mcp-connector/testing/fake_tokens.h"
#include "services/mcp-connector/testing/fakes.h"
#include "services/mcp-connector/testing/scripted_http.h"

#include "common/mcp/server_id.h"

#include <string>

namespace sluice::mcp_connector {

class OAuthRig {
 public:
  static constexpr const char* kServer = "https://mcp.example/mcp";
  static constexpr const char* kMetadata =
      "https://mcp.example/.well-known/oauth-protected-resource/mcp";
  static constexpr const char* kIssuer = "https://as.example";
  static constexpr const char* kToken = "https://as.example/token";
  static constexpr const char* kRegister = "https://as.example/register";
  static constexpr const char* kRedirect = "https://gw.example/api/mcp/oauth/callback";

  OAuthRig() {
    config.name = "files";
    config.id = mcp::server_id(config.name);
    config.type = ConnectionType::Http;
    config.address = Secret<std::string>(kServer);
    config.auth_type = "oauth";
    names_issuer(kIssuer);
    serves(kIssuer);
    http.on(kRegister, 201, R"({"client_id":"registered"})");
  }

  // The server's metadata name that authorization server from now on.
  void names_issuer(const std::string& issuer) {
    http.forget(kMetadata);
    http.on(
        kMetadata,
        200,
        R"({"resource":"https://mcp.example/mcp","authorization_servers":[")" + issuer + R"("]})"
    );
  }

  void serves(const std::string& issuer) {
    http.on(
        issuer + "/.well-known/oauth-authorization-server",
        200,
        R"({"issuer":")" + issuer + R"(","authorization_endpoint":")" + issuer +
            R"(/authorize","token_endpoint":")" + issuer + R"(/token","registration_endpoint":")" +
            issuer +
            R"(/register","code_challenge_methods_supported":["S256"],)"
            R"("token_endpoint_auth_methods_supported":["none","client_secret_basic"],)"
            R"("authorization_response_iss_parameter_supported":true,)"
            R"("scopes_supported":["a","offline_access"]})"
    );
  }

  void gives(const std::string& access, const std::string& more = "") {
    http.on(
        kToken, 200, R"({"access_token":")" + access + R"(","token_type":"Bearer")" + more + "}"
    );
  }

  [[nodiscard]] oauth::TokenOwner owner() const { return {config.id.str(), ""}; }

  // As if a person had authorized.
  oauth::Tokens& keep(const std::string& access, const std::string& refresh) {
    oauth::Tokens tokens;
    tokens.issuer = kIssuer;
    tokens.resource = kServer;
    tokens.token_endpoint = kToken;
    tokens.client.id = "registered";
    tokens.access = Secret<std::string>(access);
    tokens.refresh = Secret<std::string>(refresh);
    tokens.scopes = {"a"};
    return store.tokens.insert_or_assign(owner(), std::move(tokens)).first->second;
  }

  static http::Headers challenge(const std::string& parameters) {
    http::Headers headers;
    headers.add("WWW-Authenticate", "Bearer " + parameters);
    return headers;
  }

  TestLoop loop;
  QuietLog log;
  ServerConfig config;
  FakeTokens store;
  ScriptedHttp http;
  oauth::Endpoints endpoints{{.clock = &loop.clock, .client = &http}};
  oauth::Authorizer authorizer{
      {.executor = loop.executor(),
       .clock = &loop.clock,
       .log = &log,
       .store = &store,
       .endpoints = &endpoints,
       .seed = 1}
  };
  oauth::AuthorizationFlow flow{{.log = &log, .store = &store, .endpoints = &endpoints}};
};

}  // namespace sluice::mcp_connector
