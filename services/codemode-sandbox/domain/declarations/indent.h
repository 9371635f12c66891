// Text moved into a block of TypeScript.
#pragma once

#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// Every line after the first moved two columns to the right.
[[nodiscard]] inline std::string indented(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') {
      out.append("  ");
    }
  }
  return out;
}

}  // namespace sluice::codemode_sandbox
