// The MCP server of the benches: what mock_upstream answers at /mcp. Streamable HTTP in the legacy
// era, without sessions; knows messages in the form its clients here write them, and trusts them.
// Tools: echo and write, each answering its argument "message".
#pragma once

#include <string>
#include <string_view>

namespace sluice::bench {

// request: one whole HTTP request.
[[nodiscard]] bool is_mcp(std::string_view request);
// The whole HTTP response to it.
[[nodiscard]] std::string mcp_answer(std::string_view request);

}  // namespace sluice::bench
