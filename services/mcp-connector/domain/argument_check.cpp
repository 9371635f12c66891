#include "services/mcp-connector/domain/argument_check.h"

#include "common/json/parse.h"

namespace sluice::mcp_connector {
namespace {

std::string_view without_period(std::string_view text) {
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

}  // namespace

Result<void> ArgumentCheck::check(const Tool& tool, std::string_view arguments) {
  SLUICE_TRY(const json::Value value, json::parse(arguments));
  if (!value.is_object()) {
    return Error(
        Code::Invalid,
        "the arguments are " + std::string(value.type_name()) + "; a tool takes an object"
    );
  }
  if (tool.input_schema.is_null()) {
    return {};
  }
  auto place = compiled_.find(tool.definition_hash);
  if (place == compiled_.end()) {
    place = compiled_.emplace(tool.definition_hash, json::Schema::compile(tool.input_schema)).first;
  }
  const Result<json::Schema>& schema = place->second;
  if (!schema.ok()) {
    return Error(
               Code::Invalid,
               "the inputSchema of tool \"" + tool.name +
                   "\" cannot be used, so its arguments cannot be checked; ask the operator of "
                   "this server to repair it"
    )
        .with_detail(schema.error().to_log());
  }
  const auto violations = schema.value().validate(value);
  if (violations.empty()) {
    return {};
  }
  const auto& first = violations.front();
  return Error(
      Code::Invalid,
      "argument " + (first.path.empty() ? std::string("object") : "\"" + first.path + "\"") +
          " of tool \"" + tool.name + "\": " + std::string(without_period(first.message)) +
          "; correct it and call again"
  );
}

}  // namespace sluice::mcp_connector
