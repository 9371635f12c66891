#include "services/codemode-sandbox/domain/declarations/server_text.h"

#include "services/codemode-sandbox/domain/declarations/indent.h"

namespace sluice::codemode_sandbox {

std::string server_text(
    std::string_view script_name,
    const std::vector<const ToolMember*>& members,
    const NamedTypes& names
) {
  std::set<std::string> uses;
  for (const ToolMember* member : members) {
    uses.insert(member->uses.begin(), member->uses.end());
  }
  names.close_over(uses);
  std::string out = names.text_of(uses);
  out.append("declare const ").append(script_name).append(": {\n  readonly \"~\": \"");
  out.append(script_name).append("\";\n");
  for (const ToolMember* member : members) {
    out.append(member->comment.empty() ? "" : "  /** " + member->comment + " */\n");
    out.append("  ").append(indented(member->text)).append(";\n");
  }
  return out + "};\n";
}

}  // namespace sluice::codemode_sandbox
