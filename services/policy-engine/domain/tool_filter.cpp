#include "services/policy-engine/domain/tool_filter.h"

#include <algorithm>
#include <optional>

namespace sluice::policy_engine {
namespace {

// What an entry says about this server's tools: a tool's name or "*"; none if it is about another
// server. Server names hold no dash (mcp::is_server_name), so the first one ends the server's name.
std::optional<std::string_view> tool_named(std::string_view entry, std::string_view server) {
  if (entry.size() <= server.size() || !entry.starts_with(server) || entry[server.size()] != '-') {
    return std::nullopt;
  }
  return entry.substr(server.size() + 1);
}

bool names_tool(std::string_view entry, std::string_view server, std::string_view tool) {
  const auto named = tool_named(entry, server);
  return entry == "*" || (named && (*named == "*" || *named == tool));
}

}  // namespace

bool passes(const policy::v1::ToolFilter& filter, std::string_view server, std::string_view tool) {
  if (!filter.restricted()) {
    return true;
  }
  return passes_server(filter, server) &&
         std::any_of(
             filter.tools().begin(),
             filter.tools().end(),
             [server, tool](const auto& entry) { return names_tool(entry, server, tool); }
         );
}

bool passes_server(const policy::v1::ToolFilter& filter, std::string_view server) {
  return !filter.restricted() ||
         std::any_of(filter.servers().begin(), filter.servers().end(), [server](const auto& entry) {
           return entry == "*" || entry == server;
         });
}

bool passes_some_tool(const policy::v1::ToolFilter& filter, std::string_view server) {
  if (!filter.restricted()) {
    return true;
  }
  return passes_server(filter, server) &&
         std::any_of(filter.tools().begin(), filter.tools().end(), [server](const auto& entry) {
           return entry == "*" || tool_named(entry, server).has_value();
         });
}

}  // namespace sluice::policy_engine
