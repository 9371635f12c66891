#include "services/codemode-sandbox/domain/script_api.h"

#include "services/codemode-sandbox/limits.h"

#include "common/mcp/server_id.h"

#include <utility>

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

ScriptApi::ScriptApi(
    const connector::v1::CatalogReply& /*catalog*/, const policy::v1::VisibleReply& visible
) {
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
            .effect_class = tool.effect_class(),
            .verdict = tool.verdict(),
            .input_schema = {},
            .output_schema = {}
        }
    );
    ++functions;
  }
}

const ScriptTool* ScriptApi::find(std::string_view server, std::string_view function) const {
  const auto functions = servers_.find(server);
  if (functions == servers_.end()) {
    return nullptr;
  }
  const auto found = functions->second.find(function);
  return found != functions->second.end() ? &found->second : nullptr;
}

void ScriptApi::add_to(runner::Run* run) const {
  for (const auto& [server, functions] : servers_) {
    auto* space = run->add_namespaces();
    space->set_name(server);
    for (const auto& [name, tool] : functions) {
      space->add_functions(name);
    }
  }
}

std::string ScriptApi::hint(std::string_view server) const {
  const auto functions = servers_.find(server);
  if (functions != servers_.end()) {
    return std::string(server) + " has: " + listed(functions->second);
  }
  return servers_.empty() ? "no server is offered to scripts"
                          : "the servers are: " + listed(servers_);
}

Async<ScriptApiPtr> ScriptApis::of(policy::v1::ToolFilter filter, RequestContext context) {
  policy::v1::VisibleRequest request;
  *request.mutable_filter() = std::move(filter);
  SLUICE_CO_TRY(
      const auto visible, co_await deps_.policy->visible(std::move(request), std::move(context))
  );
  co_return std::make_shared<const ScriptApi>(connector::v1::CatalogReply(), visible);
}

}  // namespace sluice::codemode_sandbox
