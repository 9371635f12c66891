// One tool as a member of its server's declaration: `read_file(args: {…}): Promise<…>`.
#pragma once

#include "services/codemode-sandbox/domain/declarations/schema_types.h"

#include <set>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// What is known of a tool. Schemas are JSON, empty where the server gives none.
struct ToolFacts {
  std::string name;  // its own
  std::string script_name;
  std::string description;
  std::string input_schema;
  std::string output_schema;
};

struct ToolMember {
  std::string comment;  // fit to stand between "/** " and " */"; empty but in the reading form
  std::string text;     // without ";"
  std::set<std::string> uses;  // named types in it
};

// Types that exceed kToolTypesBytesMax or that cannot be read are `any`. `args` may be left out
// where nothing is required. Without an output schema the promise is of `any`.
[[nodiscard]] ToolMember tool_member(const ToolFacts& tool, NamedTypes* names, TypeForm form);

// The same without any types.
[[nodiscard]] ToolMember untyped_member(const ToolFacts& tool, TypeForm form);

}  // namespace sluice::codemode_sandbox
