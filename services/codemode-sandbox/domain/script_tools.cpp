#include "services/codemode-sandbox/domain/script_tools.h"

#include "services/codemode-sandbox/limits.h"

#include "common/mcp/server_id.h"

namespace sluice::codemode_sandbox {
namespace {

// "a, b, c and 4 more"
template <class Names>
std::string listed(const Names& names) {
  std::string text;
  std::size_t count = 0;
  for (const auto& [name, value] : names) {
    if (count == kNamesInHintMax) {
      text.append(" and ").append(std::to_string(names.size() - count)).append(" more");
      break;
    }
    text.append(count == 0 ? "" : ", ").append(name);
    ++count;
  }
  return text;
}

}  // namespace

ScriptTools::ScriptTools(const policy::v1::VisibleReply& visible) {
  int functions = 0;
  for (const auto& tool : visible.tools()) {
    const bool offered = tool.code_mode() && mcp::is_server_name(tool.server()) &&
                         tool.tool().size() <= kCallNameBytesMax;
    if (!offered || functions >= kFunctionsMax) {
      continue;
    }
    if (!servers_.contains(tool.server()) && servers_.size() >= kNamespacesMax) {
      continue;
    }
    servers_[tool.server()].insert_or_assign(
        tool.tool(),
        ScriptTool{
            .server_id = tool.server_id(),
            .server = tool.server(),
            .tool = tool.tool(),
            .definition_hash = tool.definition_hash(),
            .effect_class = tool.effect_class()
        }
    );
    ++functions;
  }
}

const ScriptTool* ScriptTools::find(std::string_view server, std::string_view tool) const {
  const auto functions = servers_.find(server);
  if (functions == servers_.end()) {
    return nullptr;
  }
  const auto found = functions->second.find(tool);
  return found != functions->second.end() ? &found->second : nullptr;
}

void ScriptTools::add_to(runner::Run* run) const {
  for (const auto& [server, functions] : servers_) {
    auto* space = run->add_namespaces();
    space->set_name(server);
    for (const auto& [name, tool] : functions) {
      space->add_functions(name);
    }
  }
}

std::string ScriptTools::hint(std::string_view server) const {
  const auto functions = servers_.find(server);
  if (functions != servers_.end()) {
    return std::string(server) + " has: " + listed(functions->second);
  }
  return servers_.empty() ? "no server is offered to scripts"
                          : "the servers are: " + listed(servers_);
}

}  // namespace sluice::codemode_sandbox
