// Names under which scripts reach servers and their tools: JavaScript identifiers, unique, and the
// same for the same set of real names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// ASCII only: [A-Za-z_$][A-Za-z0-9_$]*.
[[nodiscard]] bool is_identifier(std::string_view name);

// One name for each real one, in their order. A name stays what it is unless JavaScript reserves it
// or the runtime has such a global; then it ends in "_". real: sorted, unique server names.
[[nodiscard]] std::vector<std::string> server_script_names(const std::vector<std::string>& real);

// The same for the tools of one server. Identifiers stay, reserved words too; in others every
// character that cannot stand in one becomes "_", and equal ones are numbered: "_2", "_3", … in
// their order. `then`, `toJSON` and `__proto__` mean something to the language and end in "_".
[[nodiscard]] std::vector<std::string> tool_script_names(const std::vector<std::string>& real);

}  // namespace sluice::codemode_sandbox
