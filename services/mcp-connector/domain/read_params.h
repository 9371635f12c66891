// The params of resources/read, prompts/get and completion/complete, which a caller sends whole.
#pragma once

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// What params name: the uri of resources/read and resources/subscribe, the name of prompts/get; ""
// for completion/complete. Errors: Invalid (no JSON object, nothing named, a _meta, which is the
// gateway's own to add).
[[nodiscard]] Result<std::string> named_in(std::string_view method, std::string_view params);

}  // namespace sluice::mcp_connector
