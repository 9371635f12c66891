// ServerWriter: the declaration of one server's tools in one form, within a bound.
#pragma once

#include "services/codemode-sandbox/domain/declarations/tool_types.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

struct ScriptTool;
using ScriptTools = std::map<std::string, ScriptTool, std::less<>>;  // by script name

[[nodiscard]] ToolFacts facts_of(const std::string& script_name, const ScriptTool& tool);

// Most of what one tool without types takes, its name apart.
inline constexpr std::size_t kUntypedBytes = 40;
[[nodiscard]] std::size_t untyped_bytes_of(std::string_view server, const ScriptTools& tools);

class ServerWriter {
 public:
  // server and tools outlive it.
  ServerWriter(const std::string& server, const ScriptTools& tools, TypeForm form);

  // At most bytes_max, or as untyped_bytes_of() where that is more: what does not fit, from the
  // last tool on, is written without types.
  [[nodiscard]] std::string text(std::size_t bytes_max) const;

  // One text a tool, by its name; takes what they need of bytes_left.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> text_by_tool(
      std::size_t* bytes_left
  ) const;

 private:
  [[nodiscard]] std::string text_with(std::size_t typed) const;

  const std::string& server_;
  NamedTypes names_;
  std::vector<std::string> script_names_;
  std::vector<ToolMember> typed_;
  std::vector<ToolMember> untyped_;
};

}  // namespace sluice::codemode_sandbox
