// Reads what makes the policy. Names of tools cannot be checked here: which tools exist is known
// only once the servers run, and then an unknown name is a warning in the log.
#include "services/policy-engine/config.h"
#include "services/policy-engine/domain/effect_class.h"
#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/grant/policy_names.h"
#include "common/mcp/server_id.h"
#include "common/mcp/server_name.h"

#include <algorithm>
#include <set>

namespace sluice::policy_engine {
namespace {

using config::Section;

constexpr std::size_t kIdBytesMax = 64;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

// A list that may be absent, which is not the same as empty.
std::optional<NameList> optional_list(
    Section& section, std::string_view key, std::string description
) {
  const bool present = section.has(key);
  const auto names = section.list(
      key, {.fallback = std::vector<std::string>(), .description = std::move(description)}
  );
  if (!present) {
    return std::nullopt;
  }
  if (names.size() > kListEntriesMax) {
    section.fault(
        key, "has more than " + std::to_string(kListEntriesMax) + " entries; use \"*\" or fewer"
    );
  }
  if (std::find(names.begin(), names.end(), "") != names.end()) {
    section.fault(key, "holds an empty name; remove it");
  }
  if (names.size() > 1 && std::find(names.begin(), names.end(), "*") != names.end()) {
    section.warn(
        key, "holds \"*\" beside other names, which then say nothing; keep one or the other"
    );
  }
  return NameList(names);
}

std::string server_name(Section& entry) {
  if (entry.has("name")) {
    return entry.text(
        "name", {.fallback = std::nullopt, .description = "Unique; [A-Za-z_][A-Za-z0-9_]{0,31}."}
    );
  }
  const std::string type =
      entry.raw("connection_type", "How the server is reached.").as_string() != nullptr
          ? *entry.raw("connection_type", "").as_string()
          : "";
  const json::Value stdio = entry.raw("stdio_config", "Program and arguments of a stdio server.");
  std::string package = stdio.text_or("command", "");
  const json::Value* const arguments = stdio.find("args");
  if (arguments != nullptr && arguments->as_array() != nullptr) {
    for (const json::Value& argument : *arguments->as_array()) {
      const std::string* const text = argument.as_string();
      if (text != nullptr && !text->empty() && text->front() != '-') {
        package = *text;
        break;
      }
    }
  }
  const json::Value address = entry.raw("connection_string", "Address of an http or sse server.");
  return mcp::derived_server_name({
      .is_stdio = type != "http" && type != "sse",
      .package = package,
      .address = address.as_string() != nullptr ? std::string_view(*address.as_string())
                                                : std::string_view(),
  });
}

void read_effect_classes(Section& entry, ServerPolicy* server) {
  const json::Value classes =
      entry.raw("effect_classes", "Operator's word on effects: tool to read, write or delete.");
  if (classes.is_null()) {
    return;
  }
  if (!classes.is_object()) {
    entry.fault(
        "effect_classes", "is no object; give tool: \"read\", \"write\" or \"delete\" pairs"
    );
    return;
  }
  for (const auto& [tool, value] : classes.as_object()->members()) {
    const std::string* const name = value.as_string();
    const auto effect = name != nullptr ? policy::v1::effect_class_named(*name) : std::nullopt;
    if (!effect) {
      entry.fault(
          "effect_classes",
          "gives \"" + tool + "\" an unknown class; give \"read\", \"write\" or \"delete\""
      );
      continue;
    }
    server->effect_classes.emplace(tool, *effect);
  }
}

// tools_to_auto_execute cannot give what tools_to_execute withholds.
void warn_of_idle_entries(Section& entry, const ServerPolicy& server) {
  if (!server.tools_to_auto_execute || server.tools_to_execute.contains("*")) {
    return;
  }
  for (const std::string& tool : server.tools_to_auto_execute->names()) {
    if (tool != "*" && !server.tools_to_execute.contains(tool)) {
      entry.warn(
          "tools_to_auto_execute",
          "names \"" + tool + "\", which tools_to_execute does not; add it there or remove it here"
      );
    }
  }
}

ServerPolicy read_server(Section& entry) {
  ServerPolicy server;
  server.tools_to_execute =
      optional_list(
          entry, "tools_to_execute", R"(Tools that may be called: ["*"], a list, or none.)"
      )
          .value_or(NameList());
  server.tools_to_auto_execute = optional_list(
      entry,
      "tools_to_auto_execute",
      "Tools that run without an explicit execution. Where it is present, no other tool of the "
      "server does."
  );
  read_effect_classes(entry, &server);
  server.trust_annotations = entry.flag(
      "trust_annotations",
      {.fallback = false, .description = "Whether readOnlyHint of this server's tools counts."}
  );
  server.is_code_mode_client = entry.flag(
      "is_code_mode_client",
      {.fallback = false, .description = "Whether the tools are offered through code mode."}
  );
  server.disabled = entry.flag(
      "disabled", {.fallback = false, .description = "Whether nobody may use the server."}
  );
  server.tenants = optional_list(entry, "tenants", "Tenants that may use the server; absent: all.");
  warn_of_idle_entries(entry, server);
  entry.leave_rest();
  return server;
}

void read_servers(config::Document& document, Policy* policy) {
  Section mcp = document.section("mcp");
  auto entries = mcp.children("client_configs");
  if (entries.size() > kServersMax) {
    mcp.fault(
        "client_configs", "has more than " + std::to_string(kServersMax) + " servers; give fewer"
    );
  }
  for (Section& entry : entries) {
    const std::string name = server_name(entry);
    ServerPolicy server = read_server(entry);
    if (!mcp::is_server_name(name)) {
      entry.fault("name", "does not match [A-Za-z_][A-Za-z0-9_]{0,31}; give such a name");
    } else if (!policy->servers.emplace(name, std::move(server)).second) {
      entry.fault("name", "is used by another server; give each server its own name");
    }
  }
  mcp.leave_rest();
}

// A key that names servers which are not there reaches less than its owner thinks.
void warn_of_unknown_servers(Section& entry, const CallerKey& key, const Policy& policy) {
  if (key.servers) {
    for (const std::string& name : key.servers->names()) {
      if (name != "*" && !policy.servers.contains(name)) {
        entry.warn(
            "servers",
            "names \"" + name + "\", which is no server of mcp.client_configs; correct or remove it"
        );
      }
    }
  }
  if (key.tools) {
    for (const std::string& name : key.tools->names()) {
      if (name != "*" && !policy.servers.contains(name.substr(0, name.find('-')))) {
        entry.warn(
            "tools",
            "names \"" + name +
                "\", whose server is not in mcp.client_configs; write \"<server>-<tool>\" or "
                "\"<server>-*\""
        );
      }
    }
  }
}

CallerKey read_key(Section& entry) {
  CallerKey key;
  key.id = entry.text(
      "id",
      {.fallback = std::nullopt, .description = "Names the key in records; [A-Za-z0-9_.-]{1,64}."}
  );
  if (!is_id(key.id)) {
    entry.fault("id", "does not match [A-Za-z0-9_.-]{1,64}; give such an id");
  }
  const std::string hex = entry.text(
      "sha256",
      {.fallback = std::nullopt, .description = "SHA-256 of the key's text, in hexadecimal."}
  );
  auto digest = from_hex(hex);
  if (!digest.ok() || digest.value().size() != crypto::kSha256Bytes) {
    entry.fault(
        "sha256",
        "is no SHA-256; give 64 hexadecimal digits, e.g. from: printf %s \"$KEY\" | sha256sum"
    );
  } else {
    key.digest = std::move(digest).value();
  }
  key.tenant =
      entry.text("tenant", {.fallback = "default", .description = "Tenant the key belongs to."});
  if (!is_id(key.tenant)) {
    entry.fault("tenant", "does not match [A-Za-z0-9_.-]{1,64}; give such a name");
  }
  key.roles = entry.list(
      "roles",
      {.fallback = std::vector<std::string>{"caller"},
       .description = "What the key may do: caller, approver, admin."}
  );
  for (const std::string& role : key.roles) {
    if (!is_role(role)) {
      entry.fault(
          "roles", "holds the unknown role \"" + role + R"("; give "caller", "approver" or "admin")"
      );
    }
  }
  key.agent = entry.text("agent", {.fallback = "", .description = "Name of the agent in records."});
  key.servers = optional_list(entry, "servers", "Servers the key reaches; absent: all.");
  key.tools = optional_list(
      entry,
      "tools",
      "Tools the key reaches, as <server>-<tool>, <server>-* or *; absent: all of its servers."
  );
  key.models = optional_list(
      entry,
      "models",
      "Models the key may use, as <provider>/<model>, <provider>/* or *; absent: all."
  );
  return key;
}

void read_keys(config::Document& document, Policy* policy) {
  Section auth = document.section("auth");
  auto entries = auth.children("keys");
  if (entries.size() > kKeysMax) {
    auth.fault(
        "keys", "has more than " + std::to_string(kKeysMax) + " keys; remove those no longer used"
    );
  }
  std::set<std::string> ids;
  std::set<std::string> digests;
  for (Section& entry : entries) {
    CallerKey key = read_key(entry);
    if (!ids.insert(key.id).second) {
      entry.fault("id", "is used by another key; give each key its own id");
    }
    if (!key.digest.empty() && !digests.insert(key.digest).second) {
      entry.fault("sha256", "is that of another key; give each caller a key of its own");
    }
    warn_of_unknown_servers(entry, key, *policy);
    policy->keys.push_back(std::move(key));
  }
  policy->jwt_issuers = read_jwt_issuers(auth);
}

Preset read_preset(Section& section) {
  const std::string name = section.text(
      "preset",
      {.fallback = "manual",
       .choices = {"manual", "safe", "open"},
       .description =
           "What happens to tools that no list names. manual: each waits for an explicit "
           "execution. safe: reads run "
           "by themselves, writes and deletes need approval. open: all run by themselves."}
  );
  for (const Preset preset : {Preset::Safe, Preset::Open}) {
    if (name == name_of(preset)) {
      return preset;
    }
  }
  return Preset::Manual;
}

ToolPins read_tool_pins(Section& section) {
  const std::string name = section.text(
      "tool_pins",
      {.fallback = "first_use",
       .choices = {"first_use", "approve", "off"},
       .description =
           "Which definition of a tool is agreed to that was never seen. first_use: the first one "
           "seen. approve: none until an admin approves it. off: every one, and changed ones too."}
  );
  for (const ToolPins pins : {ToolPins::Approve, ToolPins::Off}) {
    if (name == name_of(pins)) {
      return pins;
    }
  }
  return ToolPins::FirstUse;
}

}  // namespace

Policy read_policy(config::Document& document) {
  Policy policy;
  Section section = document.section("policy");
  policy.preset = read_preset(section);
  policy.tool_pins = read_tool_pins(section);
  policy.rules = read_rules(section);
  policy.limits = read_limits(section);
  policy.approvals = read_approval_rules(section);
  read_servers(document, &policy);
  read_keys(document, &policy);
  return policy;
}

Result<ServerPolicy> read_added_policy(
    const std::string& server, const std::string& policy_config
) {
  SLUICE_TRY(
      auto document,
      config::Document::from_text(R"({"mcp":{"client_configs":[)" + policy_config + "]}}", {})
  );
  Section mcp = document.section("mcp");
  auto entries = mcp.children("client_configs");
  if (entries.size() != 1) {
    return Error(Code::Invalid, "the policy of the server is no object; add the server again");
  }
  ServerPolicy policy = read_server(entries.front());
  if (server_name(entries.front()) != server) {
    entries.front().fault("name", "is that of another server; add the server again");
  }
  SLUICE_CHECK_OK(document.finish());
  return policy;
}

}  // namespace sluice::policy_engine
