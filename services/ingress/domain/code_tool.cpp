#include "services/ingress/domain/code_tool.h"

#include "services/ingress/limits.h"

#include "common/json/write.h"

namespace sluice::ingress {
namespace {

constexpr std::string_view kNoParameters = R"({"type":"object","properties":{}})";
constexpr std::string_view kReadParameters =
    R"({"type":"object","properties":{"fileName":{"type":"string"},"startLine":{"type":"number"},)"
    R"("endLine":{"type":"number"}},"required":["fileName"]})";
constexpr std::string_view kSearchParameters =
    R"({"type":"object","properties":{"query":{"type":"string"}},)"
    R"("required":["query"]})";
constexpr std::string_view kCodeParameters =
    R"({"type":"object","properties":{"code":{"type":"string"}},"required":["code"]})";

// " (files, youtube)", where that is short.
std::string named(const std::vector<std::string_view>& servers) {
  std::string list;
  for (const std::string_view server : servers) {
    list.append(list.empty() ? " (" : ", ").append(server);
  }
  return list.size() > kServersNamedBytesMax || list.empty() ? "" : list + ")";
}

std::string execute_text(const std::vector<std::string_view>& servers, bool searches) {
  std::string text = "Runs a TypeScript script that calls tools of servers" + named(servers);
  text.append(". Read their types first: listToolFiles");
  text.append(searches ? " or searchTools" : "");
  text.append(
      ", then readToolFile. Write `const r = await server.tool({...})` and `return` what you need: "
      "only that and console.log come back. Failed calls reject with a code; a script with type "
      "errors is not run, and the answer says what to mend. No imports, network or timers."
  );
  return text;
}

MetaTool tool(std::string_view name, std::string_view description, std::string_view parameters) {
  MetaTool tool{.name = name, .definition = R"({"name":")"};
  tool.definition.append(name).append(R"(","description":)");
  json::append_quoted(tool.definition, description);
  tool.definition.append(R"(,"inputSchema":)").append(parameters).append("}");
  return tool;
}

}  // namespace

bool is_reading_tool(std::string_view name) {
  return name == kListToolFiles || name == kReadToolFile || name == kSearchTools;
}

bool is_meta_tool(std::string_view name) {
  return name == kExecuteToolCode || is_reading_tool(name);
}

std::vector<MetaTool> meta_tools(const std::vector<std::string_view>& servers, std::size_t tools) {
  const bool searches = tools > kToolsWithoutSearch;
  std::vector<MetaTool> all;
  all.push_back(tool(kListToolFiles, "Lists the type files of callable tools.", kNoParameters));
  all.push_back(tool(kReadToolFile, "Reads one; lines count from 1.", kReadParameters));
  if (searches) {
    all.push_back(tool(kSearchTools, "Finds tools by words.", kSearchParameters));
  }
  all.push_back(tool(kExecuteToolCode, execute_text(servers, searches), kCodeParameters));
  return all;
}

}  // namespace sluice::ingress
