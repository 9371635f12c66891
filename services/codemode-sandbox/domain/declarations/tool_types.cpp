#include "services/codemode-sandbox/domain/declarations/tool_types.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/safe_text.h"
#include "services/codemode-sandbox/domain/declarations/schema_keywords.h"

#include "common/json/parse.h"

namespace sluice::codemode_sandbox {
namespace {

// `new (…)` in an object type would be a constructor.
std::string method_name(const std::string& name) {
  return name == "new" ? "\"new\"" : name;
}

std::string comment_of(const ToolFacts& tool, TypeForm form) {
  if (form != TypeForm::Reading) {
    return "";
  }
  std::string text = comment_text(tool.description, kToolTextBytesMax);
  if (tool.name != tool.script_name) {
    const std::string real = "(" + comment_text(tool.name, kToolTextBytesMax) + ")";
    text = text.empty() ? real : real + " " + text;
  }
  return text;
}

// What the server answers when nothing is sent.
bool may_be_empty(const json::Value& schema) {
  return !schema.is_object() || required_of(schema).empty();
}

Type written(
    const json::Value& schema,
    const std::string& root_name,
    JsonTypes types,
    NamedTypes* names,
    TypeForm form,
    ToolMember& member
) {
  SchemaTypes writer(schema, root_name, names, form);
  Type type = writer.write(types);
  if (type.kind == Type::Kind::Never || type.text.size() > kToolTypesBytesMax) {
    return every_value_of(kAllTypes);
  }
  member.uses.insert(writer.uses().begin(), writer.uses().end());
  return type;
}

}  // namespace

ToolMember untyped_member(const ToolFacts& tool, TypeForm form) {
  return {
      .comment = comment_of(tool, form),
      .text = method_name(tool.script_name) + "(args?: any): Promise<any>",
      .uses = {}
  };
}

ToolMember tool_member(const ToolFacts& tool, NamedTypes* names, TypeForm form) {
  ToolMember member{.comment = comment_of(tool, form), .text = {}, .uses = {}};
  member.text = method_name(tool.script_name);
  const auto input = json::parse(tool.input_schema);
  if (input.ok()) {
    Type type =
        written(input.value(), tool.script_name + " args", kObjectType, names, form, member);
    if (type.every_value == kObjectType && form != TypeForm::Checking) {
      type.text = "{}";  // nobody sends members that nothing tells of
    }
    member.text.append(may_be_empty(input.value()) ? "(args?: " : "(args: ");
    member.text.append(type.text).append("): ");
  } else {
    member.text.append("(args?: any): ");
  }
  const auto output = json::parse(tool.output_schema);
  const Type result =
      output.ok()
          ? written(output.value(), tool.script_name + " result", kAllTypes, names, form, member)
          : every_value_of(kAllTypes);
  member.text.append("Promise<").append(result.text).append(">");
  return member;
}

}  // namespace sluice::codemode_sandbox
