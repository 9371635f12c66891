// The meta-tools: what models and MCP clients get in place of the tools of servers offered to
// scripts (is_code_mode_client). The same few hundred bytes however many tools there are: their
// types are read from files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

inline constexpr std::string_view kListToolFiles = "listToolFiles";
inline constexpr std::string_view kReadToolFile = "readToolFile";
inline constexpr std::string_view kSearchTools = "searchTools";
inline constexpr std::string_view kExecuteToolCode = "executeToolCode";

// Whether it is one of the four.
[[nodiscard]] bool is_meta_tool(std::string_view name);
// One that only tells what there is: it runs without being asked for.
[[nodiscard]] bool is_reading_tool(std::string_view name);

struct MetaTool {
  std::string_view name;
  std::string definition;  // as a server would list it: {"name":…,"description":…,"inputSchema":…}
};

// In their order, executeToolCode last. servers: sorted names; they are told where they are few and
// short. searchTools is among them where tools are more than kToolsWithoutSearch. The same servers
// give the same bytes.
[[nodiscard]] std::vector<MetaTool> meta_tools(
    const std::vector<std::string_view>& servers, std::size_t tools
);

}  // namespace sluice::ingress
