// The declaration of one server: `declare const files: {…};` and the types it names.
#pragma once

#include "services/codemode-sandbox/domain/declarations/tool_types.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// A member "~" that no tool can have keeps servers with the same tools apart: the compiler would
// otherwise take two of them for one type.
//
// members: those of names. The same members give the same bytes.
[[nodiscard]] std::string server_text(
    std::string_view script_name,
    const std::vector<const ToolMember*>& members,
    const NamedTypes& names
);

}  // namespace sluice::codemode_sandbox
