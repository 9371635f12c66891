// codemode_declare <catalog.json>…: what is generated of catalogs, for tests that have a real
// compiler. A catalog is the JSON array of a server's tools; the server is named after its file.
// Prints one JSON object: {"checking": "…", "files": [{"name", "text"}], "tools": [{"server",
// "tool", "name", "input", "output"}]}. --by-tool: one file a tool.
#include "services/codemode-sandbox/domain/script_api.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/server_id.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace sluice::codemode_sandbox {
namespace {

std::string server_name(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.' || c == ' '; }, '_'
  );
  return name.substr(0, 32);
}

Result<json::Value> read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return json::parse(text.str());
}

void add(
    const std::filesystem::path& file,
    const json::Value& tools,
    connector::v1::CatalogReply& catalog,
    policy::v1::VisibleReply& visible
) {
  auto& server = *catalog.add_servers();
  server.set_name(server_name(file));
  server.set_server_id(mcp::server_id(server.name()).str());
  for (const json::Value& tool : *tools.as_array()) {
    auto& definition = *server.add_tools();
    definition.set_name(tool.text_or("name", ""));
    definition.set_definition_hash(definition.name());
    definition.set_definition(json::write(tool));
    auto& shown = *visible.add_tools();
    shown.set_server_id(server.server_id());
    shown.set_server(server.name());
    shown.set_tool(definition.name());
    shown.set_definition_hash(definition.definition_hash());
    shown.set_code_mode(true);
  }
}

// Read as models do: a long file in several pieces.
std::string whole_text(const TypeFiles& files, const std::string& path) {
  std::string text;
  for (std::uint32_t start = 1; start != 0;) {  // ends with the file
    std::string piece = files.read(path, start, 0).text;
    constexpr std::string_view kGoOn = "Go on with startLine ";
    const auto at = piece.rfind(kGoOn);
    start = at != std::string::npos && piece.ends_with(".\n")
                ? static_cast<std::uint32_t>(std::stoul(piece.substr(at + kGoOn.size())))
                : 0;
    text.append(start != 0 ? piece.substr(0, piece.rfind("// Lines ")) : piece);
  }
  return text;
}

json::Value files_of(const ScriptApi& api) {
  json::Array files;
  std::istringstream list(api.files().list().text);
  std::string line;
  std::getline(list, line);  // "servers/"
  std::string folder;
  while (std::getline(list, line)) {
    const bool inside = line.starts_with("    ");
    const std::string name = line.substr(inside ? 4 : 2);
    if (name.ends_with('/')) {
      folder = name;
      continue;
    }
    const std::string path = inside ? folder + name : name;
    files.push_back(json::object({{"name", path}, {"text", whole_text(api.files(), path)}}));
  }
  return files;
}

json::Value tools_of(const ScriptApi& api) {
  runner::Run run;
  api.add_to(&run);
  json::Array tools;
  for (const auto& space : run.namespaces()) {
    for (const auto& name : space.functions()) {
      const ScriptTool* tool = api.find(space.name(), name);
      tools.push_back(json::object(
          {{"server", space.name()},
           {"tool", name},
           {"name", tool->tool},
           {"input", tool->input_schema},
           {"output", tool->output_schema}}
      ));
    }
  }
  return tools;
}

int dump(int argc, char** argv) {
  connector::v1::CatalogReply catalog;
  policy::v1::VisibleReply visible;
  BindingLevel binding = BindingLevel::Server;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--by-tool") {
      binding = BindingLevel::Tool;
      continue;
    }
    const auto tools = read(argv[i]);
    if (!tools.ok() || !tools.value().is_array()) {
      std::cerr << argv[i] << " is no JSON array of tools\n";
      return 1;
    }
    add(argv[i], tools.value(), catalog, visible);
  }
  const ScriptApi api(catalog, visible, binding);
  std::cout
      << json::write(json::object(
             {{"checking", api.declarations()}, {"files", files_of(api)}, {"tools", tools_of(api)}}
         ))
      << "\n";
  return 0;
}

}  // namespace
}  // namespace sluice::codemode_sandbox

int main(int argc, char** argv) {
  return sluice::codemode_sandbox::dump(argc, argv);
}
