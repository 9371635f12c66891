#include "services/policy-engine/domain/tool_filter.h"

#include <algorithm>

namespace sluice::policy_engine {
namespace {

// Server names hold no dash (mcp::is_server_name), so the first one ends the server's name.
bool names_tool(std::string_view entry, std::string_view server, std::string_view tool) {
  if (entry == "*") {
    return true;
  }
  if (entry.size() <= server.size() || !entry.starts_with(server) || entry[server.size()] != '-') {
    return false;
  }
  const std::string_view named = entry.substr(server.size() + 1);
  return named == "*" || named == tool;
}

}  // namespace

bool passes(const policy::v1::ToolFilter& filter, std::string_view server, std::string_view tool) {
  if (!filter.restricted()) {
    return true;
  }
  const bool server_passes =
      std::any_of(filter.servers().begin(), filter.servers().end(), [server](const auto& entry) {
        return entry == "*" || entry == server;
      });
  return server_passes &&
         std::any_of(
             filter.tools().begin(),
             filter.tools().end(),
             [server, tool](const auto& entry) { return names_tool(entry, server, tool); }
         );
}

}  // namespace sluice::policy_engine
