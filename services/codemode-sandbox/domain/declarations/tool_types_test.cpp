// Cases: a schema and the types written for it. What the compiler makes of them is tested in
// tests/contract/declarations.mjs.
#include "services/codemode-sandbox/domain/declarations/tool_types.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/server_text.h"

#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

std::string member(
    const std::string& input, const std::string& output = "", TypeForm form = TypeForm::Signature
) {
  NamedTypes names("s");
  const ToolFacts facts{
      .name = "t",
      .script_name = "t",
      .description = "",
      .input_schema = input,
      .output_schema = output
  };
  return tool_member(facts, &names, form).text;
}

std::string property(const std::string& schema, TypeForm form = TypeForm::Signature) {
  const std::string text =
      member(R"({"type":"object","properties":{"x":)" + schema + R"(}})", "", form);
  constexpr std::string_view kBefore = "t(args?: { x?: ";
  if (!text.starts_with(kBefore)) {
    return text;
  }
  const std::string_view after = " }): Promise<any>";
  return text.substr(kBefore.size(), text.size() - kBefore.size() - after.size());
}

TEST(ToolTypes, ArgumentsMayBeLeftOutWhereNothingIsRequired) {
  EXPECT_EQ(member(""), "t(args?: any): Promise<any>");
  EXPECT_EQ(member(R"({"type":"object"})"), "t(args?: {}): Promise<any>");
  EXPECT_EQ(
      member(R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]})"),
      "t(args: { a: string }): Promise<any>"
  );
  EXPECT_EQ(
      member("true", R"({"type":"object","properties":{"ok":{"type":"boolean"}}})"),
      "t(args?: {}): Promise<{ ok?: boolean }>"
  );
}

TEST(ToolTypes, WritesWhatSchemasSay) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":"integer"})", "number"},
      {R"({"type":["string","null"]})", "string | null"},
      {R"({"type":"string","nullable":true})", "string | null"},
      {R"({"type":"string","format":"no-such-format"})", "string"},
      {R"({"const":"a"})", "\"a\""},
      {R"({"enum":["a",1,null,true]})", "\"a\" | 1 | null | true"},
      {R"({"type":"string","enum":["a",1]})", "\"a\""},
      {R"({"enum":[12345678901234567890]})", "number"},
      {R"({"type":"array","items":{"type":["string","number"]}})", "(string | number)[]"},
      {R"({"type":"array"})", "any[]"},
      {R"({"type":"array","prefixItems":[{"type":"string"},{"type":"number"}],"items":false,"minItems":1})",
       "[string, number?]"},
      {R"({"type":"array","items":[{"type":"string"}],"additionalItems":{"type":"null"}})",
       "[string?, ...null[]]"},
      {R"({"type":"object","additionalProperties":{"type":"number"}})", "{ [k: string]: number }"},
      {R"({"type":"object","properties":{"a-b":{}},"additionalProperties":true})",
       "{ \"a-b\"?: any; [k: string]: any }"},
      {R"({"type":"object","properties":{"a":false}})", "{ a?: never }"},
      {R"({"anyOf":[{"type":"string"},{"type":"null"},{"type":"string"}]})", "string | null"},
      {R"({"anyOf":[{"type":"string"},{}]})", "any"},
      {R"({"type":"object","properties":{"a":{"type":"string"}},"oneOf":[{"required":["a"]},{"not":{}}]})",
       "{ a?: string }"},
      {R"({"allOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"type":"object","properties":{"b":{"type":"null"}}}]})",
       "{ a?: string } & { b?: null }"},
      {R"({"properties":{"a":{"type":"string"}}})", "{ a?: string }"},
      {R"({"$ref":"https://elsewhere/x"})", "any"},
      {R"({"type":"no-such-type"})", "any"},
      {"true", "any"},
      {"7", "any"},
  };
  for (const auto& [schema, type] : cases) {
    EXPECT_EQ(property(schema), type) << schema;
  }
}

TEST(ToolTypes, TheCompilerIsToldOnlyWhatIsSure) {
  const TypeForm form = TypeForm::Checking;
  EXPECT_EQ(
      member(R"({"type":"object","properties":{"a":{"type":"string"}}})", "", form),
      "t(args?: { a?: string; [k: string]: any }): Promise<any>"
  );
  EXPECT_EQ(
      member(
          R"({"type":"object","properties":{"a":{"properties":{}}},"additionalProperties":false})",
          "",
          form
      ),
      "t(args?: { a?: any }): Promise<any>"
  );
  EXPECT_EQ(
      member(R"({"type":"object","additionalProperties":false})", "", form),
      "t(args?: { [k: string]: never }): Promise<any>"
  );
}

TEST(ToolTypes, WhatLeadsBackToItselfHasAName) {
  NamedTypes names("files");
  const ToolFacts facts{
      .name = "walk",
      .script_name = "walk",
      .description = "",
      .input_schema =
          R"({"type":"object","properties":{"root":{"$ref":"#/$defs/node"}},"required":["root"],)"
          R"("$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}}})",
      .output_schema = ""
  };
  const ToolMember member = tool_member(facts, &names, TypeForm::Signature);
  EXPECT_EQ(
      server_text("files", {&member}, names),
      "declare namespace $files {\n"
      "  interface Node { next?: $files.Node }\n"
      "}\n"
      "declare const files: {\n"
      "  readonly \"~\": \"files\";\n"
      "  walk(args: { root: $files.Node }): Promise<any>;\n"
      "};\n"
  );
}

TEST(ToolTypes, CommentsHoldDescriptionDefaultAndTheRealName) {
  NamedTypes names("s");
  const ToolFacts facts{
      .name = "a-b",
      .script_name = "a_b",
      .description = "Does */ it.",
      .input_schema =
          R"({"type":"object","properties":{"n":{"type":"integer","description":"How many","default":5}}})",
      .output_schema = ""
  };
  const ToolMember member = tool_member(facts, &names, TypeForm::Reading);
  EXPECT_EQ(
      server_text("s", {&member}, names),
      "declare const s: {\n"
      "  readonly \"~\": \"s\";\n"
      "  /** (a-b) Does * / it. */\n"
      "  a_b(args?: {\n"
      "    /** How many. Default: 5 */\n"
      "    n?: number;\n"
      "  }): Promise<any>;\n"
      "};\n"
  );
}

TEST(ToolTypes, WhatIsTooMuchIsWidened) {
  std::string choices;
  for (std::size_t i = 0; i <= kUnionMembersMax; ++i) {
    choices.append(i == 0 ? "" : ",").append("\"v" + std::to_string(i) + "\"");
  }
  EXPECT_EQ(property("{\"enum\":[" + choices + "]}"), "string");
  std::string deep = R"({"type":"string"})";
  for (int i = 0; i < 20; ++i) {
    deep = R"({"type":"array","items":)" + deep + "}";
  }
  EXPECT_TRUE(property(deep).starts_with("any[][]")) << property(deep);
  std::string wide;
  for (int i = 0; i < 30; ++i) {
    wide.append(wide.empty() ? "" : ",").append("{\"const\":" + std::to_string(i) + "}");
  }
  const std::string one = R"({"oneOf":[)" + wide + "]}";
  EXPECT_EQ(
      property(
          R"({"allOf":[)" + one + "," + one.substr(0, one.size() - 2) + R"(,{"const":99}]}]})"
      ),
      "any"
  );
}

}  // namespace
}  // namespace sluice::codemode_sandbox
