#include "common/mcp/param_headers.h"

#include "common/json/parse.h"
#include "common/mcp/line_splitter.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace sluice::mcp {
namespace {

constexpr std::string_view kDeclaration = "x-mcp-header";
// Arguments may be as long as a line.
constexpr json::ParseLimits kArgumentLimits{.depth_max = 64, .bytes_max = kLineBytesMax};

// Keywords whose members are schemas, and keywords that are a schema or a list of them. What stands
// below other keywords (default, enum, const, …) is data.
constexpr std::array<std::string_view, 5> kNamedSchemas{
    "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"
};
constexpr std::array<std::string_view, 16> kSchemas{
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contentSchema",
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf"
};

template <std::size_t Size>
bool is_one_of(std::string_view word, const std::array<std::string_view, Size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Error broken(std::string_view what) {
  return Error(
      Code::Invalid, "x-mcp-header " + std::string(what) + "; repair the tool's inputSchema"
  );
}

// Walks a schema, whose depth the JSON parser has bounded.
class Declarations {
 public:
  Result<std::vector<ParamHeader>> of(const json::Value& schema) && {
    SLUICE_CHECK_OK(walk(schema, Reachable::Yes));
    return std::move(found_);
  }

 private:
  enum class Reachable { No, Yes };

  Result<void> walk(const json::Value& schema, Reachable reachable) {
    if (const json::Array* list = schema.as_array()) {
      for (const json::Value& item : *list) {
        SLUICE_CHECK_OK(walk(item, Reachable::No));
      }
    }
    if (!schema.is_object()) {
      return {};
    }
    for (const auto& [keyword, value] : schema.as_object()->members()) {
      if (keyword == kDeclaration) {
        SLUICE_CHECK_OK(declare(schema, value, reachable));
      } else if (keyword == "properties") {
        SLUICE_CHECK_OK(walk_members(value, reachable));
      } else if (is_one_of(keyword, kNamedSchemas)) {
        SLUICE_CHECK_OK(walk_members(value, Reachable::No));
      } else if (is_one_of(keyword, kSchemas)) {
        SLUICE_CHECK_OK(walk(value, Reachable::No));
      }
    }
    return {};
  }

  Result<void> walk_members(const json::Value& schemas, Reachable reachable) {
    if (!schemas.is_object()) {
      return {};
    }
    for (const auto& [name, schema] : schemas.as_object()->members()) {
      path_.push_back(name);
      SLUICE_CHECK_OK(walk(schema, reachable));
      path_.pop_back();
    }
    return {};
  }

  Result<void> declare(const json::Value& schema, const json::Value& name, Reachable reachable) {
    const std::string* text = name.as_string();
    if (text == nullptr || !is_header_name(*text)) {
      return broken("gives a name that is no header name");
    }
    const std::string type = schema.text_or("type", "");
    if (type != "string" && type != "integer" && type != "boolean") {
      return broken("\"" + *text + "\" stands on what is no string, integer or boolean");
    }
    if (reachable == Reachable::No || path_.empty()) {
      return broken("\"" + *text + "\" stands where properties alone do not lead");
    }
    std::string header = std::string(kParamHeaderPrefix) + lower(*text);
    if (!taken_.insert(header).second) {
      return broken("\"" + *text + "\" is given twice");
    }
    found_.push_back({.name = std::move(header), .path = path_});
    return {};
  }

  std::vector<std::string> path_;
  std::set<std::string> taken_;
  std::vector<ParamHeader> found_;
};

const json::Value* value_at(const json::Value& arguments, const std::vector<std::string>& path) {
  const json::Value* value = &arguments;
  for (const std::string& member : path) {
    value = value->find(member);
    if (value == nullptr) {
      return nullptr;
    }
  }
  return value;
}

std::optional<std::string> text_of(const json::Value& value) {
  if (const std::string* text = value.as_string()) {
    return *text;
  }
  if (const auto flag = value.as_bool()) {
    return *flag ? "true" : "false";
  }
  if (const json::Number* number = value.as_number()) {
    const auto integer = value.as_int();
    return integer ? std::to_string(*integer) : number->text;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<ParamHeader>> param_headers_of(const json::Value& input_schema) {
  return Declarations().of(input_schema);
}

Result<HeaderList> param_header_values(
    const std::vector<ParamHeader>& declared, std::string_view arguments
) {
  HeaderList headers;
  if (declared.empty()) {
    return headers;
  }
  SLUICE_TRY(const json::Value parsed, json::parse(arguments, kArgumentLimits));
  for (const ParamHeader& header : declared) {
    const json::Value* value = value_at(parsed, header.path);
    if (auto text = value == nullptr ? std::nullopt : text_of(*value)) {
      headers.emplace_back(header.name, header_value_of(*text));
    }
  }
  return headers;
}

}  // namespace sluice::mcp
