#include "services/codemode-sandbox/domain/script_api.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/safe_text.h"
#include "services/codemode-sandbox/domain/declarations/script_names.h"
#include "services/codemode-sandbox/domain/server_writer.h"
#include "services/codemode-sandbox/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/server_id.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

// A number may be put behind it, and a runner takes no longer one.
constexpr std::size_t kToolNameBytesMax = kCallNameBytesMax - 8;

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

using DefinitionKey = std::pair<std::string_view, std::string_view>;  // server id, tool
using Definitions = std::map<DefinitionKey, const connector::v1::ToolDefinition*>;

Definitions definitions_of(const connector::v1::CatalogReply& catalog) {
  Definitions definitions;
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      definitions.emplace(DefinitionKey{server.server_id(), tool.name()}, &tool);
    }
  }
  return definitions;
}

std::string schema_in(const json::Value& definition, std::string_view member) {
  const json::Value* schema = definition.find(member);
  return schema != nullptr && schema->is_object() ? json::write(*schema) : "";
}

ScriptTool script_tool_of(const policy::v1::VisibleTool& shown, const Definitions& definitions) {
  ScriptTool tool{
      .server_id = shown.server_id(),
      .server = shown.server(),
      .tool = shown.tool(),
      .definition_hash = shown.definition_hash(),
      .effect_class = shown.effect_class(),
      .verdict = shown.verdict(),
      .input_schema = {},
      .output_schema = {},
      .description = {}
  };
  const auto found = definitions.find(DefinitionKey{shown.server_id(), shown.tool()});
  if (found == definitions.end() || found->second->definition_hash() != shown.definition_hash()) {
    return tool;
  }
  const auto definition = json::parse(found->second->definition());
  if (definition.ok()) {
    tool.input_schema = schema_in(definition.value(), "inputSchema");
    tool.output_schema = schema_in(definition.value(), "outputSchema");
    tool.description = definition.value().text_or("description", "");
    if (tool.description.empty()) {
      tool.description = definition.value().text_or("title", "");
    }
  }
  return tool;
}

template <class Map>
std::vector<std::string> names_in(const Map& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, value] : map) {
    names.push_back(name);
  }
  return names;
}

// "files.read_file(args: { path: string }): Promise<any> // Reads a file."
std::string search_line(
    const std::string& server, const std::string& name, const ScriptTool& tool
) {
  NamedTypes names(server);
  std::string line = server + ".";
  line.append(tool_member(facts_of(name, tool), &names, TypeForm::Signature).text);
  if (line.size() > kSignatureBytesMax) {
    line = server + "." + name + "(…): read " + server + " for its types";
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  const std::string text = comment_text(tool.description, kSearchTextBytesMax);
  return text.empty() ? line : line + " // " + text;
}

}  // namespace

ScriptApi::ScriptApi(
    const connector::v1::CatalogReply& catalog,
    const policy::v1::VisibleReply& visible,
    BindingLevel binding
) {
  add_tools(catalog, visible);
  write_declarations();
  write_files(binding);
  index_tools();
  bytes_ += declarations_.size() + files_.bytes();
}

void ScriptApi::add_tools(
    const connector::v1::CatalogReply& catalog, const policy::v1::VisibleReply& visible
) {
  const Definitions definitions = definitions_of(catalog);
  std::map<std::string, std::map<std::string, ScriptTool>> offered;  // by real names
  int functions = 0;
  for (const auto& tool : visible.tools()) {
    const bool fits = tool.code_mode() && mcp::is_server_name(tool.server()) &&
                      tool.tool().size() <= kToolNameBytesMax && functions < kFunctionsMax &&
                      (offered.contains(tool.server()) || offered.size() < kNamespacesMax);
    if (fits) {
      offered[tool.server()].insert_or_assign(tool.tool(), script_tool_of(tool, definitions));
      ++functions;
    }
  }
  const std::vector<std::string> servers = server_script_names(names_in(offered));
  std::size_t bytes_left = kDeclarationsBytesMax;
  auto server_name = servers.begin();
  for (auto& [server, tools] : offered) {
    const std::vector<std::string> names = tool_script_names(names_in(tools));
    auto name = names.begin();
    for (auto& [real, tool] : tools) {
      const std::size_t least = name->size() + kUntypedBytes;
      if (least > bytes_left) {
        return;
      }
      bytes_left -= least;
      bytes_ += tool.input_schema.size() + tool.output_schema.size() + tool.description.size();
      servers_[*server_name].emplace(*name++, std::move(tool));
    }
    ++server_name;
  }
}

void ScriptApi::write_declarations() {
  std::size_t bytes_left = kDeclarationsBytesMax;
  for (const auto& [server, tools] : servers_) {
    bytes_left -= std::min(bytes_left, untyped_bytes_of(server, tools));
  }
  for (const auto& [server, tools] : servers_) {  // what its untyped form takes is its own
    const ServerWriter writer(server, tools, TypeForm::Checking);
    const std::size_t own = untyped_bytes_of(server, tools);
    const std::string text = writer.text(bytes_left + own);
    bytes_left -= std::min(bytes_left, text.size() > own ? text.size() - own : 0);
    declarations_.append(text);
  }
}

void ScriptApi::write_files(BindingLevel binding) {
  std::size_t bytes_left = kFilesBytesMax;
  for (const auto& [server, tools] : servers_) {
    const ServerWriter writer(server, tools, TypeForm::Reading);
    if (binding == BindingLevel::Server) {
      std::string text = writer.text(bytes_left);
      bytes_left -= std::min(bytes_left, text.size());
      files_.add(server, std::move(text));
      continue;
    }
    for (auto& [name, text] : writer.text_by_tool(&bytes_left)) {
      files_.add(server + "/" + name, std::move(text));
    }
  }
}

void ScriptApi::index_tools() {
  for (const auto& server : servers_) {
    for (const auto& tool : server.second) {
      index_.add(server.first, tool.second.tool, tool.second.description);
      indexed_.emplace_back(&server.first, &tool);
    }
  }
}

FileAnswer ScriptApi::search(std::string_view query, std::uint32_t limit) const {
  const std::size_t most =
      limit == 0 ? kSearchLimit : std::min<std::size_t>(limit, kSearchLimitMax);
  FileAnswer answer;
  for (const std::size_t number : index_.search(query, most)) {
    const auto& [server, tool] = indexed_.at(number);
    answer.text.append(search_line(*server, tool->first, tool->second)).append("\n");
    answer.found = true;
  }
  if (!answer.found) {
    answer.text = servers_.empty() ? files_.list().text
                                   : "No tool is about these words; try others, or listToolFiles.";
  }
  return answer;
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
  run->set_declarations(declarations_);
  for (const auto& [server, functions] : servers_) {
    auto* space = run->add_namespaces();
    space->set_name(server);
    for (const auto& [name, tool] : functions) {
      space->add_functions(name);
    }
  }
}

std::string ScriptApi::hint(std::string_view server) const {
  auto functions = servers_.find(server);
  if (functions == servers_.end()) {  // a name that scripts write with a "_" behind it
    functions = servers_.find(std::string(server) + "_");
  }
  if (functions != servers_.end()) {
    return functions->first + " has: " + listed(functions->second);
  }
  return servers_.empty() ? "no server is offered to scripts"
                          : "the servers are: " + listed(servers_);
}

}  // namespace sluice::codemode_sandbox
