// mcp.virtual_servers: parts of /mcp at paths of their own.
#include "services/ingress/config.h"
#include "services/ingress/limits.h"

#include <algorithm>
#include <set>

namespace sluice::ingress {
namespace {

using Names = std::vector<std::string>;

// Names of mcp.client_configs as far as they are written there: one that is derived from a package
// or host is not known here.
struct KnownServers {
  std::set<std::string, std::less<>> names;
  bool all_named = true;
};

KnownServers known_servers(const json::Value& clients) {
  KnownServers known;
  if (clients.as_array() == nullptr) {
    return known;
  }
  for (const json::Value& client : *clients.as_array()) {
    const std::string name = client.text_or("name", "");
    known.all_named = known.all_named && !name.empty();
    known.names.insert(name);
  }
  return known;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kNarrowingEntryBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c != ',' && c < 127;
         });
}

Names names_of(config::Section& entry, std::string_view key, std::string description) {
  Names names = entry.list(key, {.fallback = Names(), .description = std::move(description)});
  if (names.size() > kVirtualServerEntriesMax) {
    entry.fault(
        key,
        "has more than " + std::to_string(kVirtualServerEntriesMax) + " entries; use \"*\" or fewer"
    );
  }
  if (!std::all_of(names.begin(), names.end(), &is_name)) {
    entry.fault(key, "holds a name that is empty, too long or has a comma or space; correct it");
  }
  return names;
}

void warn_of_unknown(
    config::Section& entry, std::string_view key, const Names& names, const KnownServers& known
) {
  for (const std::string& name : names) {
    const std::string server = name.substr(0, name.find('-'));
    if (name != "*" && known.all_named && !known.names.contains(server)) {
      std::string message = "names \"";
      message.append(name).append("\", and \"").append(server);
      message.append("\" is no server of mcp.client_configs; correct it unless it comes later");
      entry.warn(key, message);
    }
  }
}

VirtualServer read_one(config::Section& entry, const KnownServers& known) {
  VirtualServer server;
  server.slug = entry.text(
      "slug",
      {.fallback = std::nullopt,
       .choices = {},
       .description = "its path is /mcp/<slug>; [a-z0-9-]{1,64}"}
  );
  if (!is_slug(server.slug)) {
    entry.fault("slug", "does not match [a-z0-9-]{1,64}; give such a slug");
  }
  server.description = entry.text(
      "description",
      {.fallback = "", .choices = {}, .description = "what it is for, for people and clients"}
  );
  const Names servers = names_of(
      entry, "servers", "servers whose resources and prompts, and tools unless named, it has"
  );
  Names tools = names_of(
      entry,
      "tools",
      "its tools, as <server>-<tool>, <server>-* or *; absent: all tools of its servers"
  );
  warn_of_unknown(entry, "servers", servers, known);
  warn_of_unknown(entry, "tools", tools, known);
  if (!entry.has("tools")) {
    for (const std::string& name : servers) {
      tools.push_back(name == "*" ? name : name + "-*");
    }
  }
  if (servers.empty() && tools.empty()) {
    entry.warn("servers", "and tools name nothing, so it is empty; name some");
  }
  server.selection = Narrowing::of(std::move(tools), servers);
  return server;
}

}  // namespace

std::vector<VirtualServer> read_virtual_servers(config::Section& mcp, const json::Value& clients) {
  const KnownServers known = known_servers(clients);
  std::vector<VirtualServer> servers;
  std::set<std::string> slugs;
  auto entries = mcp.children("virtual_servers");
  if (entries.size() > kVirtualServersMax) {
    mcp.fault(
        "virtual_servers",
        "has more than " + std::to_string(kVirtualServersMax) + " entries; give fewer"
    );
  }
  for (config::Section& entry : entries) {
    VirtualServer server = read_one(entry, known);
    if (!slugs.insert(server.slug).second) {
      entry.fault("slug", "is used by another virtual server; give each its own");
    } else if (is_slug(server.slug)) {
      servers.push_back(std::move(server));
    }
  }
  return servers;
}

}  // namespace sluice::ingress
