#include "services/mcp-connector/config_shown.h"

#include "services/mcp-connector/config_oauth.h"

#include "common/json/write.h"

#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {
namespace {

// Values stay hidden; that a value comes from a variable may be seen.
json::Value masked(const json::Value& values) {
  const json::Object* object = values.as_object();
  if (object == nullptr) {
    return json::object({});
  }
  json::Object out;
  for (const auto& [key, value] : object->members()) {
    const std::string* text = value.as_string();
    out.set(key, text != nullptr && text->starts_with("env.") ? *text : std::string("***"));
  }
  return out;
}

json::Value array_of(const std::vector<std::string>& items) {
  json::Array out;
  for (const std::string& item : items) {
    out.emplace_back(item);
  }
  return out;
}

}  // namespace

json::Value shown_address(const json::Value& address) {
  const std::string* text = address.as_string();
  if (text == nullptr) {
    return "";
  }
  std::string out = text->substr(0, text->find('?'));
  const auto scheme = out.find("://");
  const auto at = out.find('@');
  if (scheme != std::string::npos && at != std::string::npos && at < out.find('/', scheme + 3)) {
    out.replace(scheme + 3, at - scheme - 3, "***");
  }
  return out;
}

std::string shown_config(config::Section& entry, const ServerConfig& server) {
  json::Object shown;
  shown.set("client_id", server.id.str());
  shown.set("name", server.name);
  shown.set("connection_type", name_of(server.type));
  shown.set("protocol_version", server.pinned_version.value_or("auto"));
  if (server.type == ConnectionType::Stdio) {
    shown.set(
        "stdio_config",
        json::object(
            {{"command", server.command},
             {"args", array_of(server.args)},
             {"envs", array_of(server.inherited)}}
        )
    );
    shown.set("env", masked(entry.raw("env", "")));
  } else {
    shown.set("connection_string", shown_address(entry.raw("connection_string", "")));
    shown.set("allowed_private_networks", array_of(server.allowed_private_networks));
    shown.set("headers", masked(entry.raw("headers", "")));
  }
  shown.set("auth_type", entry.raw("auth_type", ""));
  if (json::Value oauth = shown_oauth(entry); !oauth.is_null()) {
    shown.set("oauth_config", std::move(oauth));
  }
  for (const auto* key :
       {"tools_to_execute", "tools_to_auto_execute", "effect_classes", "tenants"}) {
    const json::Value value = entry.raw(key, "");
    if (!value.is_null()) {
      shown.set(key, value);
    }
  }
  shown.set("is_code_mode_client", entry.raw("is_code_mode_client", "").as_bool().value_or(false));
  shown.set("is_ping_available", server.is_ping_available);
  if (server.unprefixed) {
    shown.set("prefix", "");
  }
  shown.set("trust_annotations", server.trust_annotations);
  shown.set("disabled", server.disabled);
  shown.set("health_interval_ms", std::int64_t{server.health_interval.count()});
  shown.set("start_timeout_ms", std::int64_t{server.start_timeout.count()});
  shown.set("call_timeout_ms", std::int64_t{server.call_timeout.count()});
  return json::write(std::move(shown));
}

}  // namespace sluice::mcp_connector
