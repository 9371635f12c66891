#include "services/mcp-connector/config_api.h"

#include "services/mcp-connector/config_servers.h"
#include "services/mcp-connector/config_shown.h"
#include "services/mcp-connector/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/json/canonical.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace sluice::mcp_connector {
namespace {

using config::Section;

constexpr std::string_view kMask = "***";
constexpr std::string_view kReference = "env.";
constexpr std::string_view kEntryPath = "mcp.client_configs[0].";
// Objects whose values are secrets, and whose keys the reader also takes as <key>_file.
constexpr std::array<std::string_view, 3> kSecretObjects{"headers", "env", "oauth_config"};
// What may change without a new connection to the server.
constexpr std::array<std::string_view, 11> kNotOfTheConnection{
    "tools_to_execute",
    "tools_to_auto_execute",
    "effect_classes",
    "trust_annotations",
    "is_code_mode_client",
    "allow_on_all_virtual_keys",
    "allow_by_default",
    "tenants",
    "tool_pricing",
    "call_timeout_ms",
    "client_id"
};

// Faults of what is refused to the API although the file may hold it.
class Refusals {
 public:
  Refusals(const ApiSettings& settings, config::Environment* environment)
      : settings_(settings), environment_(environment) {}

  void look_at(const json::Value& body) {
    look_at("", body, 0);
    for (const auto& [key, value] : body.as_object()->members()) {
      refuse_file(key, key);
    }
    for (const std::string_view name : kSecretObjects) {
      const json::Value* const values = body.find(name);
      if (values == nullptr || !values->is_object()) {
        continue;
      }
      for (const auto& [key, value] : values->as_object()->members()) {
        const std::string path = std::string(name) + "." + key;
        refuse_file(path, key);
        if (value == json::Value(kMask)) {
          add(path, "is the mask of a secret that is not kept here; give the value itself");
        }
      }
    }
    look_at_inherited(body);
  }

  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }

 private:
  void add(std::string_view path, std::string_view what) {
    faults_.push_back(std::string(path) + ": " + std::string(what));
  }

  void refuse_file(std::string_view path, std::string_view key) {
    if (key.ends_with("_file")) {
      add(path, "is not taken from the API, which reads no files here; give the value itself");
    }
  }

  [[nodiscard]] bool may_use(std::string_view name) const {
    return std::find(settings_.env_names.begin(), settings_.env_names.end(), name) !=
           settings_.env_names.end();
  }

  void look_at(const std::string& path, const json::Value& value, int depth) {
    constexpr int kDepthMax = 64;  // that of the JSON parser
    if (depth > kDepthMax) {
      return;
    }
    if (const std::string* text = value.as_string()) {
      const std::string_view name = std::string_view(*text).substr(
          text->starts_with(kReference) ? kReference.size() : text->size()
      );
      if (!name.empty() && !may_use(name)) {
        add(path,
            "refers to the variable " + std::string(name) +
                ", which servers added by API may not use; give the value itself, or let the "
                "operator name it in mcp.api_env_names");
        environment_->emplace(name, "x");  // told once; not looked up any more
      }
    } else if (const json::Array* items = value.as_array()) {
      for (std::size_t i = 0; i < items->size(); ++i) {
        look_at(path + "[" + std::to_string(i) + "]", (*items)[i], depth + 1);
      }
    } else if (const json::Object* object = value.as_object()) {
      for (const auto& [key, member] : object->members()) {
        look_at(path.empty() ? key : path + "." + key, member, depth + 1);
      }
    }
  }

  void look_at_inherited(const json::Value& body) {
    const json::Value* const stdio = body.find("stdio_config");
    const json::Value* const names = stdio == nullptr ? nullptr : stdio->find("envs");
    if (names == nullptr || names->as_array() == nullptr) {
      return;
    }
    for (const json::Value& name : *names->as_array()) {
      if (name.as_string() != nullptr && !may_use(*name.as_string())) {
        add("stdio_config.envs",
            "hands on the variable " + *name.as_string() +
                ", which servers added by API may not use; let the operator name it in "
                "mcp.api_env_names");
      }
    }
  }

  const ApiSettings& settings_;
  config::Environment* environment_;
  std::vector<std::string> faults_;
};

void check_list(Section& entry, std::string_view key) {
  if (!entry.has(key)) {
    return;
  }
  const auto names = entry.list(key, {.fallback = std::vector<std::string>(), .description = ""});
  if (names.size() > kListEntriesMax) {
    entry.fault(
        key, "has more than " + std::to_string(kListEntriesMax) + " entries; use \"*\" or fewer"
    );
  }
  if (std::find(names.begin(), names.end(), "") != names.end()) {
    entry.fault(key, "holds an empty name; remove it");
  }
}

// What policy-engine reads of a server: it would leave out a server with a fault there.
void check_policy(Section& entry) {
  for (const auto* key : {"tools_to_execute", "tools_to_auto_execute", "tenants"}) {
    check_list(entry, key);
  }
  for (const auto* key : {"is_code_mode_client", "allow_on_all_virtual_keys", "allow_by_default"}) {
    if (entry.has(key)) {
      const bool flag = entry.flag(key, {.fallback = false, .description = ""});
      static_cast<void>(flag);
    }
  }
  const json::Value classes = entry.raw("effect_classes", "");
  if (!classes.is_null() && !classes.is_object()) {
    entry.fault(
        "effect_classes", "is no object; give tool: \"read\", \"write\" or \"delete\" pairs"
    );
    return;
  }
  if (classes.is_object()) {
    for (const auto& [tool, value] : classes.as_object()->members()) {
      if (value != json::Value("read") && value != json::Value("write") &&
          value != json::Value("delete")) {
        entry.fault(
            "effect_classes",
            "gives \"" + tool + "\" an unknown class; give \"read\", \"write\" or \"delete\""
        );
      }
    }
  }
}

// How the server is reached, as one value: approvals are given for one way. Credentials are no part
// of it: they are renewed.
std::string route_of(const json::Value& body) {
  json::Object route;
  for (const auto* key : {"connection_type", "connection_string", "stdio_config"}) {
    if (const json::Value* const value = body.find(key); value != nullptr) {
      route.set(key, *value);
    }
  }
  return to_hex(crypto::sha256(json::canonical(json::Value(std::move(route)))));
}

// In an order of its own, whatever the sender's: equal settings make equal catalog versions.
std::string policy_config_of(Section& entry, const ServerConfig& server, std::string route) {
  json::Object config;
  config.set("name", server.name);
  for (const auto* key :
       {"tools_to_execute",
        "tools_to_auto_execute",
        "effect_classes",
        "trust_annotations",
        "is_code_mode_client",
        "allow_on_all_virtual_keys",
        "allow_by_default",
        "disabled",
        "tenants"}) {
    if (json::Value value = entry.raw(key, ""); !value.is_null()) {
      config.set(key, std::move(value));
    }
  }
  config.set("route", std::move(route));
  return json::canonical(json::Value(std::move(config)));
}

std::string without_path(std::string message) {
  for (auto place = message.find(kEntryPath); place != std::string::npos;
       place = message.find(kEntryPath, place)) {
    message.erase(place, kEntryPath.size());
  }
  return message;
}

json::Value unmasked(const json::Value& sent, const json::Value* kept) {
  if (!sent.is_object() || kept == nullptr) {
    return sent;
  }
  json::Object out;
  for (const auto& [key, value] : sent.as_object()->members()) {
    const json::Value* const secret = kept->find(key);
    out.set(key, value == json::Value(kMask) && secret != nullptr ? *secret : value);
  }
  return out;
}

// Scheme, host and port.
std::string origin_of(const json::Value& body) {
  const std::string address = body.text_or("connection_string", "");
  const auto scheme = address.find("://");
  if (scheme == std::string::npos) {
    return address;
  }
  const auto end = address.find_first_of("/?#", scheme + 3);
  std::string authority =
      address.substr(scheme + 3, end == std::string::npos ? end : end - scheme - 3);
  if (const auto at = authority.rfind('@'); at != std::string::npos) {
    authority.erase(0, at + 1);
  }
  return address.substr(0, scheme + 3) + authority;
}

// Whether credentials would go on as they are kept although the sender did not give them.
bool keeps_secrets(const json::Value& kept, const json::Value& sent) {
  return std::any_of(kSecretObjects.begin(), kSecretObjects.end(), [&](std::string_view name) {
    const json::Value* const before = kept.find(name);
    if (before == nullptr || !before->is_object() || before->as_object()->empty()) {
      return false;
    }
    const json::Value* const now = sent.find(name);
    if (now == nullptr) {
      return true;
    }
    const json::Object* const values = now->as_object();
    return values != nullptr &&
           std::any_of(values->members().begin(), values->members().end(), [](const auto& member) {
             return member.second == json::Value(kMask);
           });
  });
}

// What takes the operator's word.
Result<void> check_allowed(const json::Value& body, const ApiSettings& settings) {
  if (!body.is_object()) {
    return Error(Code::Invalid, "the body is no object; give one as of mcp.client_configs");
  }
  if (body.text_or("connection_type", "") == name_of(ConnectionType::Stdio) &&
      !settings.allow_stdio) {
    return Error(
        Code::Denied,
        "stdio servers run programs on the gateway's machine and are not added by API; the "
        "operator lists them in mcp.client_configs, or sets mcp.allow_stdio_servers_by_api to true"
    );
  }
  const json::Value* const networks = body.find("allowed_private_networks");
  const bool has_networks =
      networks != nullptr && networks->as_array() != nullptr && !networks->as_array()->empty();
  if (has_networks && !settings.allow_private_networks) {
    return Error(
        Code::Denied,
        "allowed_private_networks lets the gateway reach addresses of its own network and is not "
        "set by API; leave it out, or have the operator list the server in mcp.client_configs or "
        "set mcp.allow_private_networks_by_api to true"
    );
  }
  return {};
}

}  // namespace

ApiSettings read_api_settings(config::Document& document) {
  auto mcp = document.section("mcp");
  ApiSettings settings;
  settings.defaults = read_server_defaults(document);
  settings.allow_stdio = mcp.flag(
      "allow_stdio_servers_by_api",
      {.fallback = false,
       .description =
           "whether the management API may add stdio servers, that is, let any admin run "
           "any program here"}
  );
  settings.allow_private_networks = mcp.flag(
      "allow_private_networks_by_api",
      {.fallback = false,
       .description =
           "whether servers added by API may have allowed_private_networks, that is, let "
           "any admin have the gateway reach addresses of its own network"}
  );
  settings.env_names = mcp.list(
      "api_env_names",
      {.fallback = std::vector<std::string>(),
       .description = "variables of this service's environment that servers added by API may refer "
                      "to as env.NAME"}
  );
  return settings;
}

void take_environment(const config::Environment& environment, ApiSettings* settings) {
  for (const std::string& name : settings->env_names) {
    if (const auto place = environment.find(name); place != environment.end()) {
      settings->environment.emplace(*place);
    }
  }
}

Result<ServerConfig> read_added_server(const json::Value& body, const ApiSettings& settings) {
  SLUICE_CHECK_OK(check_allowed(body, settings));
  config::Environment environment = settings.environment;
  Refusals refusals(settings, &environment);
  refusals.look_at(body);
  const json::Value root =
      json::object({{"mcp", json::object({{"client_configs", json::Array{body}}})}});
  SLUICE_TRY(auto document, config::Document::from_text(json::write(root), std::move(environment)));
  auto mcp = document.section("mcp");
  auto entries = mcp.children("client_configs");
  std::set<std::string> taken;
  ServerConfig server = read_server(entries.front(), settings.defaults, &taken);
  check_policy(entries.front());
  std::string message;
  for (const std::string& fault : refusals.faults()) {
    message += (message.empty() ? "" : "\n") + fault;
  }
  if (const auto finished = document.finish(); !finished.ok()) {
    message += (message.empty() ? "" : "\n") + without_path(finished.error().message());
  }
  if (!message.empty()) {
    return Error(Code::Invalid, std::move(message));
  }
  json::Value connection = body;
  for (const std::string_view key : kNotOfTheConnection) {
    connection.as_object()->erase(key);
  }
  server.added = AddedByApi{
      .digest = crypto::sha256(json::canonical(body)),
      .connection_digest = crypto::sha256(json::canonical(connection)),
      .policy_config = policy_config_of(entries.front(), server, route_of(body))
  };
  return server;
}

Result<json::Value> changed_server(const json::Value& kept, const json::Value& sent) {
  if (!sent.is_object() || !kept.is_object()) {
    return Error(Code::Invalid, "the body is no object; give the members that change");
  }
  json::Value out = kept;
  json::Object* const members = out.as_object();
  for (const auto& [key, value] : sent.as_object()->members()) {
    if (value.is_null()) {
      members->erase(key);
    } else if (key == "connection_string" && kept.find(key) != nullptr &&
               value == shown_address(*kept.find(key))) {
      continue;  // as it is shown, which is without its secrets
    } else if (std::find(kSecretObjects.begin(), kSecretObjects.end(), key) !=
               kSecretObjects.end()) {
      members->set(key, unmasked(value, kept.find(key)));
    } else {
      members->set(key, value);
    }
  }
  if (origin_of(kept) != origin_of(out) && keeps_secrets(kept, sent)) {
    return Error(
        Code::Invalid,
        "connection_string: names another host, and the credentials kept for the old one do not go "
        "there by themselves; give headers, env and oauth_config anew, or null to drop them"
    );
  }
  return out;
}

}  // namespace sluice::mcp_connector
