#include "services/codemode-sandbox/domain/declarations/object_text.h"

#include "services/codemode-sandbox/domain/declarations/indent.h"

namespace sluice::codemode_sandbox {

void ObjectText::add(std::string comment, std::string member) {
  commented_ = commented_ || !comment.empty() || member.find('\n') != std::string::npos;
  members_.emplace_back(std::move(comment), std::move(member));
}

std::string ObjectText::write() const {
  if (members_.empty()) {
    return "{}";
  }
  std::string out = commented_ ? "{\n" : "{ ";
  for (const auto& [comment, member] : members_) {
    if (!commented_) {
      out.append(out.size() > 2 ? "; " : "").append(member);
      continue;
    }
    out.append(comment.empty() ? "" : "  /** " + comment + " */\n");
    out.append("  ").append(indented(member)).append(";\n");
  }
  return out + (commented_ ? "}" : " }");
}

}  // namespace sluice::codemode_sandbox
