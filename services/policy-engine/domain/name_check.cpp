#include "services/policy-engine/domain/name_check.h"

#include <map>
#include <set>

namespace sluice::policy_engine {
namespace {

using Tools = std::set<std::string, std::less<>>;

struct Collector {
  const std::string& server;
  const Tools& tools;
  std::vector<UnknownName>* out;

  void look_at(const std::string& setting, const std::string& name) const {
    if (name != "*" && !tools.contains(name)) {
      out->push_back({server, setting, name});
    }
  }
};

}  // namespace

std::vector<UnknownName> unknown_names(const Policy& policy, const Catalog& catalog) {
  std::map<std::string, Tools, std::less<>> offered;
  for (const CatalogTool& tool : catalog.tools()) {
    offered[tool.server].insert(tool.tool);
  }
  std::vector<UnknownName> unknown;
  for (const auto& [name, server] : policy.servers) {
    const auto tools = offered.find(name);
    if (tools == offered.end()) {
      continue;
    }
    const Collector collector{name, tools->second, &unknown};
    for (const std::string& tool : server.tools_to_execute.names()) {
      collector.look_at("tools_to_execute", tool);
    }
    if (server.tools_to_auto_execute) {
      for (const std::string& tool : server.tools_to_auto_execute->names()) {
        collector.look_at("tools_to_auto_execute", tool);
      }
    }
    for (const auto& [tool, effect] : server.effect_classes) {
      collector.look_at("effect_classes", tool);
    }
  }
  return unknown;
}

}  // namespace sluice::policy_engine
