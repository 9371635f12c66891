#include "services/provider-router/domain/demo_tools.h"

#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

namespace sluice::provider_router {
namespace {

struct Row {
  DemoAction action;
  std::string_view ending;
};

// In order of preference. Source: the tools of @modelcontextprotocol/server-filesystem and
// server-everything.
constexpr std::array kEndings{
    Row{DemoAction::ReadFile, "read_text_file"},
    Row{DemoAction::ReadFile, "read_file"},
    Row{DemoAction::ListAllowed, "list_allowed_directories"},
    Row{DemoAction::ListDirectory, "list_directory"},
    Row{DemoAction::WriteFile, "write_file"},
    Row{DemoAction::Echo, "echo"},
    Row{DemoAction::Add, "get-sum"},
    Row{DemoAction::Add, "get_sum"},
    Row{DemoAction::Add, "add"},
};

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "filesystem-read_file" ends with the word "read_file"; "spread_file" does not.
bool ends_with_word(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) &&
         (name.size() == ending.size() || !alphanumeric(name[name.size() - ending.size() - 1]));
}

const json::Value* function_named(const json::Value* tools, std::string_view ending, bool exact) {
  if (tools == nullptr || !tools->is_array()) {
    return nullptr;
  }
  for (const json::Value& tool : *tools->as_array()) {
    const json::Value* function = tool.find("function");
    if (function == nullptr) {
      continue;
    }
    const std::string name = function->text_or("name", "");
    if (!name.empty() &&
        (exact ? ending.empty() || name == ending : ends_with_word(name, ending))) {
      return function;
    }
  }
  return nullptr;
}

const json::Object* properties_of(const json::Value& function) {
  const json::Value* parameters = function.find("parameters");
  const json::Value* properties = parameters == nullptr ? nullptr : parameters->find("properties");
  return properties == nullptr ? nullptr : properties->as_object();
}

bool has_type(const json::Value& property, std::initializer_list<std::string_view> types) {
  const std::string type = property.text_or("type", "");
  return std::find(types.begin(), types.end(), type) != types.end();
}

// The first of the names the schema has, else its first property of the type not taken yet, else
// the first name.
std::string property_named(
    const json::Object* properties,
    std::initializer_list<std::string_view> names,
    std::initializer_list<std::string_view> types,
    std::string_view taken
) {
  if (properties != nullptr) {
    for (const std::string_view name : names) {
      if (name != taken && properties->contains(name)) {
        return std::string(name);
      }
    }
    for (const auto& [name, property] : properties->members()) {
      if (name != taken && has_type(property, types)) {
        return name;
      }
    }
  }
  return std::string(*names.begin());
}

// One text where texts are wanted.
json::Array list_for(const json::Value& property, std::string_view text) {
  const json::Value* items = property.find("items");
  json::Array list;
  if (items != nullptr && has_type(*items, {"string"})) {
    list.emplace_back(text);
  }
  return list;
}

json::Value arguments_of(const DemoIntent& intent, const json::Value& function) {
  const json::Object* properties = properties_of(function);
  json::Object out;
  const auto path_name = [&] {
    return property_named(
        properties,
        {"path", "file_path", "filepath", "file", "filename", "directory", "uri"},
        {"string"},
        ""
    );
  };
  switch (intent.action) {
    case DemoAction::ReadFile:
    case DemoAction::ListDirectory:
      out.set(path_name(), intent.path);
      break;
    case DemoAction::ListAllowed:
      break;
    case DemoAction::WriteFile: {
      const std::string path = path_name();
      out.set(path, intent.path);
      out.set(
          property_named(properties, {"content", "contents", "text", "data"}, {"string"}, path),
          intent.text
      );
      break;
    }
    case DemoAction::Echo:
      out.set(
          property_named(properties, {"message", "text", "input", "value"}, {"string"}, ""),
          intent.text
      );
      break;
    case DemoAction::Add: {
      const std::string first =
          property_named(properties, {"a", "x", "left", "first"}, {"number", "integer"}, "");
      const std::string second =
          property_named(properties, {"b", "y", "right", "second"}, {"number", "integer"}, first);
      out.set(first, json::Number{intent.first});
      out.set(second, json::Number{intent.second});
      break;
    }
  }
  return json::Value(std::move(out));
}

}  // namespace

std::optional<DemoCall> demo_call(const DemoIntent& intent, const json::Value* tools) {
  for (const Row& row : kEndings) {
    if (row.action != intent.action) {
      continue;
    }
    if (const json::Value* function = function_named(tools, row.ending, false)) {
      return DemoCall{function->text_or("name", ""), json::write(arguments_of(intent, *function))};
    }
  }
  return std::nullopt;
}

std::optional<DemoCall> demo_forced_call(
    std::string_view name, const json::Value* tools, std::string_view text
) {
  const json::Value* function = function_named(tools, name, true);
  if (function == nullptr) {
    return std::nullopt;
  }
  const json::Object* properties = properties_of(*function);
  const json::Value* parameters = function->find("parameters");
  const json::Value* required = parameters == nullptr ? nullptr : parameters->find("required");
  json::Object out;
  if (required != nullptr && required->is_array() && properties != nullptr) {
    for (const json::Value& key : *required->as_array()) {
      const std::string* member = key.as_string();
      const json::Value* property = member == nullptr ? nullptr : properties->find(*member);
      if (property == nullptr) {
        continue;
      }
      out.set(
          *member,
          has_type(*property, {"number", "integer"}) ? json::Value(0)
          : has_type(*property, {"boolean"})         ? json::Value(false)
          : has_type(*property, {"array"})           ? json::Value(list_for(*property, text))
          : has_type(*property, {"object"})          ? json::object({})
                                                     : json::Value(text)
      );
    }
  }
  return DemoCall{function->text_or("name", ""), json::write(json::Value(std::move(out)))};
}

std::optional<DemoAction> demo_action_of(std::string_view tool_name) {
  for (const Row& row : kEndings) {
    if (ends_with_word(tool_name, row.ending)) {
      return row.action;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::provider_router
