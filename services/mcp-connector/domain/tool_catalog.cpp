#include "services/mcp-connector/domain/tool_catalog.h"

#include "services/mcp-connector/limits.h"

#include "common/crypto/sha256.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr json::ParseLimits kDefinitionLimits{.depth_max = 64, .bytes_max = kCatalogBytesMax};

Tool make_tool(const json::Value& definition) {
  Tool tool;
  tool.name = definition.text_or("name", "");
  tool.definition = json::write(definition);
  tool.definition_hash = crypto::sha256(json::canonical_by_value(definition));
  if (const json::Value* schema = definition.find("inputSchema")) {
    tool.input_schema = *schema;
  }
  return tool;
}

}  // namespace

ToolCatalog::ToolCatalog() : ToolCatalog(std::vector<Tool>(), Offerings()) {}

ToolCatalog::ToolCatalog(std::vector<Tool> tools, Offerings offerings)
    : tools_(std::move(tools)), offerings_(std::move(offerings)) {
  crypto::Sha256 hash;
  for (const Tool& tool : tools_) {
    hash.field(tool.name).field(tool.definition_hash);
  }
  if (!offerings_.empty()) {
    offerings_.add_to(&hash);
  }
  hash_ = hash.finish();
}

Result<ToolCatalog> ToolCatalog::build(std::vector<json::Value> definitions, Offerings offerings) {
  if (definitions.size() > kListItemsMax) {
    return Error(
        Code::Invalid,
        "the server lists more than " + std::to_string(kListItemsMax) +
            " tools; split it into several servers"
    );
  }
  std::map<std::string, Tool> by_name;  // sorted, and the first of a name stays
  std::size_t bytes = 0;
  for (const json::Value& definition : definitions) {
    Tool tool = make_tool(definition);
    bytes += tool.definition.size();
    if (bytes > kCatalogBytesMax) {
      return Error(
          Code::Invalid,
          "the server's tool definitions exceed " + std::to_string(kCatalogBytesMax) +
              " bytes; shorten them or split the server"
      );
    }
    std::string name = tool.name;
    by_name.emplace(std::move(name), std::move(tool));
  }
  const std::size_t duplicates = definitions.size() - by_name.size();
  std::vector<Tool> tools;
  tools.reserve(by_name.size());
  for (auto& [name, tool] : by_name) {
    tools.push_back(std::move(tool));
  }
  const bool fits =
      offerings.bytes() == 0 || bytes + offerings.bytes() <= kCatalogWithOfferingsBytesMax;
  ToolCatalog catalog(std::move(tools), fits ? std::move(offerings) : Offerings());
  catalog.duplicates_ = duplicates;
  catalog.left_offerings_out_ = !fits;
  return catalog;
}

ToolCatalog ToolCatalog::from_copy(const connector::v1::ServerCatalog& copy) {
  std::vector<json::Value> definitions;
  for (const auto& tool : copy.tools()) {
    auto value = json::parse(tool.definition(), kDefinitionLimits);
    if (value.ok() && !value.value().text_or("name", "").empty()) {
      definitions.push_back(std::move(value).value());
    }
  }
  auto catalog = build(std::move(definitions), Offerings::from_copy(copy));
  return catalog.ok() ? std::move(catalog).value() : ToolCatalog();
}

const Tool* ToolCatalog::find(std::string_view name) const {
  const auto place = std::lower_bound(
      tools_.begin(),
      tools_.end(),
      name,
      [](const Tool& tool, std::string_view wanted) { return tool.name < wanted; }
  );
  return place != tools_.end() && place->name == name ? &*place : nullptr;
}

void ToolCatalog::fill(connector::v1::ServerCatalog* out) const {
  out->set_definitions_hash(hash_);
  for (const Tool& tool : tools_) {
    auto* definition = out->add_tools();
    definition->set_name(tool.name);
    definition->set_definition_hash(tool.definition_hash);
    definition->set_definition(tool.definition);
  }
  offerings_.fill(out);
}

std::string catalog_version(std::vector<std::pair<std::string, std::string>> servers) {
  std::sort(servers.begin(), servers.end());
  crypto::Sha256 hash;
  for (const auto& [id, definitions_hash] : servers) {
    hash.field(id).field(definitions_hash);
  }
  return hash.finish();
}

}  // namespace sluice::mcp_connector
