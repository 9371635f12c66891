// Reads section mcp: Bifrost's client configs and tool manager settings, and what this gateway adds
// to them.
#include "services/mcp-connector/config_servers.h"

#include "services/mcp-connector/config_client.h"
#include "services/mcp-connector/config_oauth.h"
#include "services/mcp-connector/config_shown.h"

#include "common/http/address_guard.h"
#include "common/http/message.h"
#include "common/mcp/protocol.h"
#include "common/mcp/server_id.h"
#include "common/mcp/server_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>

namespace sluice::mcp_connector {
namespace {

using config::Section;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::string_view kAddressMeaning = "URL of an http or sse server; may be env.NAME";

// "30s", "10m", "1h", "500ms"; a bare integer counts seconds. Negative: switched off. nullopt: not
// understood.
std::optional<std::chrono::milliseconds> duration_of(const json::Value& value) {
  std::int64_t number = 0;
  std::string_view unit = "s";
  if (const auto integer = value.as_int()) {
    number = *integer;
  } else if (const auto* text = value.as_string()) {
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
    if (parsed.ec != std::errc()) {
      return std::nullopt;
    }
    const auto rest = static_cast<std::size_t>(parsed.ptr - text->data());
    unit = rest == text->size() ? "s" : std::string_view(*text).substr(rest);
  } else {
    return std::nullopt;
  }
  const std::int64_t factor = unit == "ms"  ? 1
                              : unit == "s" ? 1000
                              : unit == "m" ? 60'000
                              : unit == "h" ? 3'600'000
                                            : 0;
  if (factor == 0 || number > kDayMs / factor) {
    return std::nullopt;
  }
  return number < 0 ? std::chrono::milliseconds(-1) : std::chrono::milliseconds(number * factor);
}

std::chrono::milliseconds duration_or(
    Section& section,
    std::string_view key,
    std::chrono::milliseconds fallback,
    std::string description
) {
  const json::Value value = section.raw(key, std::move(description));
  if (value.is_null()) {
    return fallback;
  }
  const auto duration = duration_of(value);
  if (!duration) {
    section.fault(
        key, R"(is no duration up to one day; give one with its unit, e.g. "30s" or "10m")"
    );
    return fallback;
  }
  return *duration;
}

// The argument that names a package, else the program.
std::string_view package_of(const ServerConfig& server) {
  const auto place =
      std::find_if(server.args.begin(), server.args.end(), [](const std::string& argument) {
        return !argument.empty() && argument.front() != '-';
      });
  return place == server.args.end() ? server.command : *place;
}

// Marks a key as known without reading it further.
void accept(Section& section, std::string_view key, std::string description) {
  const json::Value left = section.raw(key, std::move(description));
}

void read_stdio(Section& entry, ServerConfig* server) {
  const bool is_stdio = server->type == ConnectionType::Stdio;
  auto stdio = entry.child("stdio_config");
  server->command = stdio.text(
      "command",
      {.fallback = "",
       .choices = {},
       .description = "program to start, never a shell line; required for stdio"}
  );
  if (is_stdio && (server->command.empty() || server->command.find('\0') != std::string::npos)) {
    stdio.fault("command", "is missing, empty or holds a zero byte; give the program to start");
  }
  server->args =
      stdio.list("args", {.fallback = std::vector<std::string>(), .description = "its arguments"});
  server->inherited = stdio.list(
      "envs",
      {.fallback = std::vector<std::string>(),
       .description = "names of variables handed on from this service's own environment"}
  );
  server->working_directory = stdio.text(
      "cwd",
      {.fallback = "",
       .choices = {},
       .description = "own: working directory of the child; empty: the service's"}
  );
}

void read_address(Section& entry, ServerConfig* server) {
  if (server->type == ConnectionType::Stdio) {
    accept(entry, "connection_string", std::string(kAddressMeaning));
    return;
  }
  server->address = entry.secret(
      "connection_string",
      {.fallback = std::nullopt, .choices = {}, .description = std::string(kAddressMeaning)}
  );
  const std::string& url = server->address.reveal();
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    entry.fault("connection_string", "is no http:// or https:// URL; give the server's address");
  }
}

// A pin spares the question which era the server speaks, and fixes the answer.
void read_version(Section& entry, ServerConfig* server) {
  constexpr std::string_view kFoundOut = "auto";
  std::vector<std::string> choices{std::string(kFoundOut)};
  choices.insert(choices.end(), mcp::kModernVersions.begin(), mcp::kModernVersions.end());
  choices.insert(choices.end(), mcp::kLegacyVersions.begin(), mcp::kLegacyVersions.end());
  const std::string version = entry.text(
      "protocol_version",
      {.fallback = std::string(kFoundOut),
       .choices = std::move(choices),
       .description = "own: auto: found out at every connect; a version: its era, without asking"}
  );
  if (version != kFoundOut) {
    server->pinned_version = version;
  }
  if (server->type == ConnectionType::Sse && mcp::is_modern_version(version)) {
    entry.fault("protocol_version", "knows no sse connections; use connection_type http");
  }
}

void read_networks(Section& entry, ServerConfig* server) {
  constexpr std::string_view kKey = "allowed_private_networks";
  server->allowed_private_networks = entry.list(
      kKey,
      {.fallback = std::vector<std::string>(),
       .description =
           "own: CIDR ranges of non-public addresses an http or sse server may be at; http:// goes "
           "only there, https:// also to public addresses"}
  );
  const auto guard = http::AddressGuard::make(server->allowed_private_networks, "");
  if (!guard.ok()) {
    entry.fault(kKey, guard.error().message());
  }
  if (server->allowed_private_networks.empty() && server->address.reveal().starts_with("http://")) {
    entry.warn(
        kKey,
        "is empty, so nothing is sent to a http:// URL; use https://, or give the network of the "
        "server, such as \"127.0.0.0/8\""
    );
  }
}

// What the protocol says of a message is not the operator's to say.
bool is_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 13> kOwn{
      "accept",
      "connection",
      "content-length",
      "content-type",
      "expect",
      "host",
      "last-event-id",
      "mcp-method",
      "mcp-name",
      "mcp-protocol-version",
      "mcp-session-id",
      "transfer-encoding",
      "upgrade"
  };
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::find(kOwn.begin(), kOwn.end(), lower) != kOwn.end() ||
         lower.starts_with(mcp::kParamHeaderPrefix);
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

// The names in an object of NAME: value pairs; none when it is missing or no object.
std::vector<std::string> names_in(Section& entry, std::string_view key, std::string description) {
  const json::Value pairs = entry.raw(key, std::move(description));
  std::vector<std::string> names;
  if (pairs.is_object()) {
    for (const auto& [name, value] : pairs.as_object()->members()) {
      names.push_back(name);
    }
  } else if (!pairs.is_null()) {
    entry.fault(key, "is no object; give NAME: value pairs");
  }
  return names;
}

void read_headers(Section& entry, ServerConfig* server) {
  const auto names =
      names_in(entry, "headers", "headers sent to an http or sse server; values may be env.NAME");
  if (names.empty()) {
    return;
  }
  auto child = entry.child("headers");
  for (const std::string& name : names) {
    auto secret = child.secret(
        name, {.fallback = std::nullopt, .choices = {}, .description = "value of the header"}
    );
    if (!http::is_token(name) || is_own_header(name)) {
      entry.fault(
          "headers", "holds \"" + name + "\", which is no header name or is set by the gateway"
      );
    } else if (!is_header_value(secret.reveal())) {
      child.fault(name, "holds a control character; give the value on one line");
    } else {
      server->headers.emplace_back(name, std::move(secret));
    }
  }
}

void read_env(Section& entry, ServerConfig* server) {
  const auto names =
      names_in(entry, "env", "own: variables set for the child, NAME to value or env.NAME");
  if (names.empty()) {
    return;
  }
  auto child = entry.child("env");
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      entry.fault("env", "holds a name that is empty or contains '='; rename the variable");
      continue;
    }
    server->env.emplace(
        name,
        child.secret(
            name, {.fallback = std::nullopt, .choices = {}, .description = "value of the variable"}
        )
    );
  }
}

std::chrono::milliseconds own_interval(
    Section& entry,
    std::string_view key,
    std::chrono::milliseconds fallback,
    std::string description
) {
  return entry.milliseconds(
      key,
      {.fallback = fallback.count(),
       .min = 100,
       .max = kDayMs,
       .unit = "ms",
       .description = std::move(description)}
  );
}

void read_timing(Section& entry, const ServerDefaults& defaults, ServerConfig* server) {
  server->health_interval = own_interval(
      entry, "health_interval_ms", defaults.health, "own: time between two health checks"
  );
  server->start_timeout = own_interval(
      entry,
      "start_timeout_ms",
      std::chrono::milliseconds(30000),
      "own: time to start, initialize and list the tools"
  );
  server->call_timeout =
      own_interval(entry, "call_timeout_ms", defaults.call, "own: longest tool call");
  server->sync_interval = duration_or(
      entry, "tool_sync_interval", defaults.sync, "time between two tools/list; negative: never"
  );
  server->sync_interval = std::max(server->sync_interval, std::chrono::milliseconds(0));
}

// Keys of Bifrost's shape that other services read, or that belong to connection types of later
// versions.
void accept_other_keys(Section& entry, ServerConfig* server) {
  accept(entry, "client_id", "Bifrost's id; ids are derived from the name here");
  server->auth_type = entry.text(
      "auth_type",
      {.fallback = "none",
       .choices =
           {"none", "headers", "oauth", "per_user_oauth", "per_user_headers", "token_exchange"},
       .description = "how an http or sse server authenticates this gateway; per_user_oauth: each "
                      "principal by a token of its own"}
  );
  if (server->auth_type != "none" && server->type == ConnectionType::Stdio) {
    entry.warn("auth_type", "has no effect on a stdio server; give its credentials in env");
  }
  server->oauth = read_oauth(entry, *server);
  accept(entry, "oauth_config_id", "for auth_type oauth");
  accept(entry, "allowed_extra_headers", "request headers handed on to an http or sse server");
  accept(entry, "tools_to_auto_execute", "tools that run without asking; read by policy-engine");
  accept(entry, "effect_classes", "own: operator's word on effects; read by policy-engine");
  accept(entry, "tool_pricing", "cost per execution of a tool");
  accept(entry, "is_code_mode_client", "whether the tools are offered through code mode");
  accept(entry, "allow_on_all_virtual_keys", "whether every key may use it; read by policy-engine");
  accept(entry, "allow_by_default", "newer name of allow_on_all_virtual_keys");
  accept(entry, "needs_session_stickiness", "for http servers");
  accept(entry, "tenants", "own: tenants that may see it; read by policy-engine");
}

void read_name(
    Section& entry, std::string_view address, std::set<std::string>* taken, ServerConfig* server
) {
  server->name = entry.text(
      "name",
      {.fallback = "",
       .choices = {},
       .description = "unique; [A-Za-z_][A-Za-z0-9_]{0,31}; missing: derived from package or host"}
  );
  if (!entry.has("name")) {
    server->name = mcp::derived_server_name(
        {.is_stdio = server->type == ConnectionType::Stdio,
         .package = package_of(*server),
         .address = address}
    );
    entry.warn(
        "name", "is missing; \"" + server->name + "\" is derived, give a name to keep it stable"
    );
  }
  if (!mcp::is_server_name(server->name)) {
    entry.fault("name", "does not match [A-Za-z_][A-Za-z0-9_]{0,31}; give such a name");
  } else if (!taken->insert(server->name).second) {
    entry.fault("name", "is used by another server; give each server its own name");
  }
  server->id = mcp::server_id(server->name);
}

// Callers with tokens of their own share no connection.
void separate_users(Section& entry, ServerConfig* server) {
  if (!server->has_user_tokens() || server->sharing != Sharing::Shared) {
    return;
  }
  if (entry.has("sharing")) {
    entry.fault(
        "sharing",
        "is shared, but auth_type per_user_oauth gives each principal a token; leave it out"
    );
  }
  server->sharing = Sharing::PerPrincipal;
}

Sharing read_sharing(Section& entry) {
  const std::string sharing = entry.text(
      "sharing",
      {.fallback = "shared",
       .choices = {"shared", "per_principal", "per_session"},
       .description =
           "own: shared: one connection for all callers; per_principal, per_session: each "
           "principal, or each MCP session of a legacy client, has its own; per_principal where "
           "auth_type is per_user_oauth"}
  );
  if (sharing == "per_principal") {
    return Sharing::PerPrincipal;
  }
  return sharing == "per_session" ? Sharing::PerSession : Sharing::Shared;
}

void read_prefix(Section& entry, ServerConfig* server) {
  const json::Value prefix = entry.raw(
      "prefix",
      R"(own: "": tools are offered under their own names rather than <name>-<tool>, unless another )"
      R"(tool has that name)"
  );
  if (prefix.is_null()) {
    return;
  }
  server->unprefixed = prefix == json::Value("");
  if (!server->unprefixed && prefix != json::Value(server->name)) {
    entry.fault("prefix", R"(is something else than ""; leave it out, or give "")");
  }
}

}  // namespace

ServerConfig read_server(
    Section& entry, const ServerDefaults& defaults, std::set<std::string>* taken
) {
  ServerConfig server;
  const std::string type = entry.text(
      "connection_type",
      {.fallback = std::nullopt,
       .choices = {"stdio", "http", "sse"},
       .description = "how the server is reached"}
  );
  server.type = type == "http"  ? ConnectionType::Http
                : type == "sse" ? ConnectionType::Sse
                                : ConnectionType::Stdio;
  read_address(entry, &server);
  read_networks(entry, &server);
  const json::Value address = entry.raw("connection_string", "");
  read_stdio(entry, &server);
  read_env(entry, &server);
  read_headers(entry, &server);
  read_version(entry, &server);
  read_name(entry, address.as_string() == nullptr ? "" : *address.as_string(), taken, &server);
  read_prefix(entry, &server);
  server.sharing = read_sharing(entry);
  server.client = read_client(entry);
  server.disabled =
      entry.flag("disabled", {.fallback = false, .description = "not started, tools not offered"});
  server.tools_to_execute = entry.list(
      "tools_to_execute",
      {.fallback = std::vector<std::string>(),
       .description = R"(tools that may be called: ["*"], a list, or none)"}
  );
  server.is_ping_available = entry.flag(
      "is_ping_available",
      {.fallback = true,
       .description = "health check by ping (modern: server/discover); else by tools/list"}
  );
  server.trust_annotations = entry.flag(
      "trust_annotations",
      {.fallback = false,
       .description = "own: readOnlyHint of this server counts; read by policy-engine"}
  );
  read_timing(entry, defaults, &server);
  accept_other_keys(entry, &server);
  separate_users(entry, &server);
  server.shown = shown_config(entry, server);
  return server;
}

ServerDefaults read_server_defaults(config::Document& document) {
  auto mcp = document.section("mcp");
  ServerDefaults defaults;
  defaults.health = own_interval(
      mcp,
      "health_interval_ms",
      std::chrono::milliseconds(10000),
      "time between two health checks of a server"
  );
  auto tools = mcp.child("tool_manager_config");
  defaults.call = duration_or(
      tools,
      "tool_execution_timeout",
      std::chrono::milliseconds(30000),
      "longest tool call unless a server has its own"
  );
  if (defaults.call < std::chrono::milliseconds(100)) {
    tools.fault(
        "tool_execution_timeout", R"(is shorter than 100 ms; give a longer one, e.g. "30s")"
    );
    defaults.call = std::chrono::milliseconds(30000);
  }
  defaults.sync = duration_or(
      tools,
      "tool_sync_interval",
      std::chrono::milliseconds(600000),
      "time between two tools/list; negative: never"
  );
  return defaults;
}

std::vector<ServerConfig> read_servers(config::Document& document) {
  const ServerDefaults defaults = read_server_defaults(document);
  auto mcp = document.section("mcp");
  auto tools = mcp.child("tool_manager_config");
  accept(tools, "max_agent_depth", "read by ingress");
  accept(tools, "code_mode_binding_level", "read by codemode-sandbox");
  accept(tools, "disable_auto_tool_inject", "read by ingress");
  accept(mcp, "virtual_servers", "read by ingress");
  accept(mcp, "sampling", "read by ingress");

  std::vector<ServerConfig> servers;
  std::set<std::string> taken;
  for (auto& entry : mcp.children("client_configs")) {
    servers.push_back(read_server(entry, defaults, &taken));
  }
  return servers;
}

}  // namespace sluice::mcp_connector
