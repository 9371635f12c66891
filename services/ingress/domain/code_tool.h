// executeToolCode: the one tool that stands for all servers offered to scripts
// (is_code_mode_client). Its description tells a model what a script may call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

inline constexpr std::string_view kExecuteToolCode = "executeToolCode";

// "read_file({path, head?})" of an MCP tool definition: parameter names, "?" where not required.
[[nodiscard]] std::string signature_of(std::string_view tool, std::string_view definition);

// A server and the signatures of its tools.
struct CodeServer {
  std::string_view name;
  std::vector<std::string_view> signatures;
};

// Its definition as a server would list it, {"name":…,"description":…,"inputSchema":…}: the same
// servers in the same order give the same bytes. What does not fit into kCodeListBytesMax is named
// without parameters, then left out and counted.
[[nodiscard]] std::string code_tool_definition(const std::vector<CodeServer>& servers);

}  // namespace sluice::ingress
