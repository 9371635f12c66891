#include "services/codemode-sandbox/domain/declarations/schema_keywords.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/safe_text.h"

#include "common/json/write.h"

#include <algorithm>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::size_t kPlainDigitsMax = 15;  // every such number is a double of its own

JsonTypes type_of(const json::Value& value) {
  return json_type_of(value.type_name());
}

// 12, -3.5: what TypeScript compares as JSON does.
bool is_plain_number(const std::string& text) {
  const std::string_view digits = text.starts_with('-') ? std::string_view(text).substr(1) : text;
  return !digits.empty() && digits.size() <= kPlainDigitsMax && text != "-0" &&
         digits.find_first_not_of("0123456789.") == std::string_view::npos &&
         !(text.starts_with('-') && digits.find_first_not_of("0.") == std::string_view::npos);
}

Type literal_of(const json::Value& value) {
  Type type = every_value_of(type_of(value));
  const std::string* text = value.as_string();
  const json::Number* number = value.as_number();
  if (text != nullptr && text->size() <= kLiteralBytesMax) {
    type = {.kind = Type::Kind::Simple, .text = quoted_literal(*text)};
  } else if (number != nullptr && is_plain_number(number->text)) {
    type = {.kind = Type::Kind::Simple, .text = number->text};
  } else if (const auto flag = value.as_bool()) {
    type = {.kind = Type::Kind::Simple, .text = *flag ? "true" : "false"};
  }
  return type;
}

}  // namespace

JsonTypes types_of(const json::Value& schema) {
  const json::Value* type = schema.find("type");
  JsonTypes types = 0;
  if (type != nullptr && type->as_string() != nullptr) {
    types = json_type_of(*type->as_string());
  } else if (type != nullptr && type->as_array() != nullptr) {
    for (const json::Value& one : *type->as_array()) {
      const JsonTypes known = one.as_string() != nullptr ? json_type_of(*one.as_string()) : 0;
      if (known == 0) {
        return kAllTypes;
      }
      types = static_cast<JsonTypes>(types | known);
    }
  }
  if (types == 0) {
    return kAllTypes;
  }
  const json::Value* nullable = schema.find("nullable");
  const bool or_null = nullable != nullptr && nullable->as_bool().value_or(false);
  return static_cast<JsonTypes>(types | (or_null ? kNullType : 0));
}

std::set<std::string_view> required_of(const json::Value& schema) {
  std::set<std::string_view> names;
  const json::Value* required = schema.find("required");
  if (required != nullptr && required->as_array() != nullptr) {
    for (const json::Value& name : *required->as_array()) {
      if (name.as_string() != nullptr) {
        names.insert(*name.as_string());
      }
    }
  }
  return names;
}

std::optional<std::vector<const json::Value*>> literal_values_of(const json::Value& schema) {
  if (const json::Value* value = schema.find("const"); value != nullptr) {
    return std::vector<const json::Value*>{value};
  }
  const json::Value* choices = schema.find("enum");
  const json::Array* list = choices != nullptr ? choices->as_array() : nullptr;
  if (list == nullptr || list->empty()) {
    return std::nullopt;
  }
  std::vector<const json::Value*> values;
  values.reserve(list->size());
  for (const json::Value& value : *list) {
    values.push_back(&value);
  }
  const json::Value* nullable = schema.find("nullable");
  if (nullable != nullptr && nullable->as_bool().value_or(false)) {
    static const json::Value kNull;
    values.push_back(&kNull);
  }
  return values;
}

Type literal_type_of(const std::vector<const json::Value*>& values, JsonTypes types) {
  std::vector<Type> parts;
  JsonTypes present = 0;
  for (const json::Value* value : values) {
    const JsonTypes type = type_of(*value);
    if ((type & types) == 0) {
      continue;
    }
    present = static_cast<JsonTypes>(present | type);
    if (parts.size() <= kUnionMembersMax) {
      parts.push_back(literal_of(*value));
    }
  }
  return union_of(parts, present);
}

std::string property_comment_of(const json::Value& schema) {
  std::string text = comment_text(schema.text_or("description", ""), kPropertyTextBytesMax);
  const json::Value* fallback = schema.find("default");
  if (fallback == nullptr || fallback->is_null() || fallback->is_object()) {
    return text;
  }
  const std::string written = json::write(*fallback);
  if (written.size() <= kDefaultTextBytesMax && text.find("efault") == std::string::npos) {
    text.append(text.empty() ? "" : text.ends_with('.') ? " " : ". ");
    text.append("Default: ").append(comment_text(written, kDefaultTextBytesMax));
  }
  return text;
}

}  // namespace sluice::codemode_sandbox
