// Settings of mcp-connector: the sections bus, redis, postgres, audit and mcp of the one
// configuration file. mcp.client_configs has Bifrost's shape; what Bifrost does not have (env,
// health_interval_ms, …) is marked as own.
#pragma once

#include "services/mcp-connector/oauth/client.h"

#include "common/audit/client.h"
#include "common/base/ids.h"
#include "common/base/secret.h"
#include "common/bus/transport.h"
#include "common/config/config.h"
#include "common/postgres/pool.h"
#include "common/redis/client.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

enum class ConnectionType { Stdio, Http, Sse };

[[nodiscard]] std::string_view name_of(ConnectionType type);

// Whose calls go over one connection.
enum class Sharing { Shared, PerPrincipal, PerSession };

enum class Grant { AuthorizationCode, ClientCredentials };

// How the gateway gets access tokens for a server of auth_type oauth or per_user_oauth.
struct OAuthConfig {
  oauth::ClientSettings client;
  oauth::Scopes scopes;  // asked for besides those the server names
  Grant grant = Grant::AuthorizationCode;
  std::string redirect_uri;   // empty: the caller's
  std::string issuer;         // the only one that is used; empty: any
  std::string authorize_url;  // in place of metadata, with token_url
  std::string token_url;
};

// What a server may ask its client for, where its caller can answer.
struct ClientOffer {
  bool roots = true;
  bool sampling = true;
  bool elicitation = true;
  std::vector<std::string> root_uris;  // answer roots/list; empty: the caller does
};

// Of a server that was added by API.
struct AddedByApi {
  std::string digest;             // of all its settings
  std::string connection_digest;  // of those that a connection is made with
  std::string policy_config;      // JSON object: what policy-engine reads of it
};

struct ServerConfig {
  ServerId id;
  std::string name;
  ConnectionType type = ConnectionType::Stdio;
  bool disabled = false;

  std::string command;  // argv[0]; never a shell line
  std::vector<std::string> args;
  std::vector<std::string> inherited;              // names of variables taken from this process
  std::map<std::string, Secret<std::string>> env;  // variables set for the child
  std::string working_directory;                   // empty: this process's own

  Secret<std::string> address;  // URL of an http or sse server; may hold a credential
  // CIDR ranges of non-public addresses it may be at; http:// goes only there.
  std::vector<std::string> allowed_private_networks;
  std::vector<std::pair<std::string, Secret<std::string>>> headers;  // sent to it
  std::string auth_type = "none";
  // Of one caller's connection: whose tokens its requests carry, where each principal has its own.
  // Empty: the gateway's.
  std::string token_owner;
  OAuthConfig oauth;
  std::optional<std::string> pinned_version;  // of the protocol; none: found out at every connect

  Sharing sharing = Sharing::Shared;
  bool unprefixed = false;  // its tools are offered under their own names

  ClientOffer client;

  std::vector<std::string> tools_to_execute;  // "*" or names; empty: none
  bool is_ping_available = true;
  bool trust_annotations = false;  // read by policy-engine
  std::chrono::milliseconds health_interval{10000};
  std::chrono::milliseconds start_timeout{30000};
  std::chrono::milliseconds call_timeout{30000};
  std::chrono::milliseconds sync_interval{600000};  // zero: no periodic tools/list

  std::string shown;                // JSON for the management API, secrets masked
  std::optional<AddedByApi> added;  // none: of the configuration file

  [[nodiscard]] bool has_user_tokens() const { return auth_type == "per_user_oauth"; }

  [[nodiscard]] bool uses_oauth() const { return auth_type == "oauth" || has_user_tokens(); }

  // Layer 1: whether the operator lets this tool be called at all.
  [[nodiscard]] bool allows(std::string_view tool) const;
};

// What a server has unless it says otherwise.
struct ServerDefaults {
  std::chrono::milliseconds health{10000};
  std::chrono::milliseconds call{30000};
  std::chrono::milliseconds sync{600000};
};

// For servers added by API.
struct ApiSettings {
  ServerDefaults defaults;
  bool allow_stdio = false;
  bool allow_private_networks = false;
  std::vector<std::string> env_names;  // variables that may be referred to
  config::Environment environment;     // those of them that are set
};

struct Config {
  bus::NatsOptions bus;
  redis::Options redis;
  postgres::Options postgres;  // without the password, which is a secret of its own
  audit::Options audit;
  std::vector<ServerConfig> servers;
  ApiSettings api;
  std::chrono::milliseconds drain_timeout{10000};

  // Never fails: faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

// mcp.client_configs[] and the rest of section mcp.
[[nodiscard]] std::vector<ServerConfig> read_servers(config::Document& document);
[[nodiscard]] ServerDefaults read_server_defaults(config::Document& document);

}  // namespace sluice::mcp_connector
