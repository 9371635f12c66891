// Tool filters: how a caller's key and a request narrow what may be seen and called. Filters only
// ever take away.
#pragma once

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string_view>

namespace sluice::policy_engine {

// A restricted filter lets a tool pass that both of its lists name; an empty list names nothing.
// servers holds names or "*"; tools holds "<server>-<tool>", "<server>-*" or "*".
[[nodiscard]] bool passes(
    const policy::v1::ToolFilter& filter, std::string_view server, std::string_view tool
);

// Whether its list of servers lets this one pass, whatever its list of tools says.
[[nodiscard]] bool passes_server(const policy::v1::ToolFilter& filter, std::string_view server);

// Whether it could let some tool of this server pass.
[[nodiscard]] bool passes_some_tool(const policy::v1::ToolFilter& filter, std::string_view server);

}  // namespace sluice::policy_engine
