// What a server asks in the middle of a request, and what the caller answers. Two wires with one
// meaning: requests of a legacy server, and results of a modern one that ask for more input.
#pragma once

#include "common/base/result.h"
#include "common/mcp/json_rpc.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp_connector {

struct Question {
  std::string key;  // names it towards the caller; unique within a call
  std::string method;
  std::string params;            // raw JSON; may be empty
  std::optional<mcp::RpcId> id;  // of a legacy server's request

  [[nodiscard]] std::size_t bytes() const { return key.size() + method.size() + params.size(); }
};

// {"key":{"method":…,"params":…},…}
[[nodiscard]] std::string to_json(const std::vector<Question>& questions);

// One of the two as raw JSON.
struct Reply {
  std::string result;
  std::string error;
};

using Replies = std::map<std::string, Reply, std::less<>>;

// {"key":{"result":…}|{"error":…},…}. Errors: Invalid (anything else, or an error that is no
// JSON-RPC error).
[[nodiscard]] Result<Replies> parse_replies(std::string text);

// A result that asks.
struct InputRequest {
  std::vector<Question> questions;  // under the server's own keys
  std::string state;                // requestState as raw JSON; empty: none
};

// Errors: Invalid (neither questions nor state, or malformed).
[[nodiscard]] Result<InputRequest> parse_input_request(std::string result);

// Members of the params of the same request sent again. results: key to raw JSON.
[[nodiscard]] std::string input_members(
    const std::map<std::string, std::string, std::less<>>& results, std::string_view state
);

}  // namespace sluice::mcp_connector
