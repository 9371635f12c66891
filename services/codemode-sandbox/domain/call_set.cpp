#include "services/codemode-sandbox/domain/call_set.h"

namespace sluice::codemode_sandbox {

CallSet::CallSet(const codemode::v1::Check& check)
    : closed_(check.escapes().empty()), escapes_(!check.escapes().empty()) {
  for (const auto& call : check.calls()) {
    names_.emplace(call.server(), call.tool());
  }
}

std::vector<const ScriptTool*> CallSet::tools(const ScriptApi& api) const {
  std::vector<const ScriptTool*> found;
  for (const auto& [server, function] : names_) {
    if (const ScriptTool* tool = api.find(server, function); tool != nullptr) {
      found.push_back(tool);
    }
  }
  return found;
}

}  // namespace sluice::codemode_sandbox
