#include "services/codemode-sandbox/domain/bridge_check.h"

#include "services/codemode-sandbox/limits.h"

#include "common/json/parse.h"

namespace sluice::codemode_sandbox {
namespace {

std::optional<json::Schema> compiled(const std::string& text) {
  const auto schema = json::parse(text);
  if (!schema.ok()) {
    return std::nullopt;
  }
  auto usable = json::Schema::compile(schema.value());
  return usable.ok() ? std::optional(std::move(usable).value()) : std::nullopt;
}

}  // namespace

std::optional<json::Violation> BridgeCheck::arguments(
    const ScriptTool& tool, std::string_view json
) {
  return first_fault({tool.definition_hash, false}, tool.input_schema, json);
}

std::optional<json::Violation> BridgeCheck::result(const ScriptTool& tool, std::string_view json) {
  return first_fault({tool.definition_hash, true}, tool.output_schema, json);
}

std::optional<json::Violation> BridgeCheck::first_fault(
    Key key, const std::string& schema, std::string_view json
) {
  if (schema.empty() || key.first.empty()) {
    return std::nullopt;
  }
  auto known = compiled_.find(key);
  if (known == compiled_.end()) {
    if (compiled_.size() >= kSchemasKeptMax) {
      compiled_.clear();
    }
    known = compiled_.emplace(std::move(key), compiled(schema)).first;
  }
  if (!known->second) {
    return std::nullopt;
  }
  const auto value = json::parse(json, {.depth_max = kValueDepthMax, .bytes_max = kValueBytesMax});
  if (!value.ok()) {
    return json::Violation{"", value.error().message()};
  }
  auto faults = known->second->validate(value.value());
  return faults.empty() ? std::nullopt : std::optional(std::move(faults.front()));
}

}  // namespace sluice::codemode_sandbox
