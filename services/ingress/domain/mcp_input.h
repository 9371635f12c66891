// What a server asks of a client before it can go on, in the forms of both eras. Modern: the result
// of a request asks, and the request is sent again with the answers. Legacy: the server's requests
// are the gateway's own to the client. Pure.
#pragma once

#include "services/ingress/domain/execution_end.h"

#include "common/base/result.h"
#include "common/json/value.h"
#include "common/mcp/json_rpc.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// Which request of which server waits; what a modern client holds as its requestState. It is no
// secret and no proof: mcp-connector, or policy-engine of an approval, checks who goes on with
// what.
struct RequestState {
  std::string server_id;
  std::string request_id;  // of connector.v1.InputRequired
};

// Stands for a server where a call waits for an approval, whose id is the request's. No server has
// this id.
inline constexpr std::string_view kApprovalStateServer = "approval";

[[nodiscard]] std::string to_text(const RequestState& state);
// Errors: Invalid (not one of ours).
[[nodiscard]] Result<RequestState> parse_request_state(std::string_view text);

// Result that asks a modern client. Errors: Invalid (needed.requests is no object).
[[nodiscard]] Result<std::string> input_required_result(const InputNeeded& needed);

// A request sent again with answers.
struct InputRetry {
  RequestState state;
  std::string responses;  // as of connector.v1.Input
};

// Takes requestState and inputResponses out of the params. nullopt: a fresh request, which answers
// alone do not change. Errors: Invalid.
[[nodiscard]] Result<std::optional<InputRetry>> take_retry(json::Value* params);

// One question to a legacy client.
struct Question {
  std::string key;
  std::string method;
  std::string params;  // raw JSON; empty when absent
};

// Errors: Invalid (not an object of requests, or too many).
[[nodiscard]] Result<std::vector<Question>> questions_in(const std::string& requests);

// Whether a server may ask its client something during a request of that method.
[[nodiscard]] bool may_ask(std::string_view method);

// Whether a client that declared these capabilities may be asked this.
[[nodiscard]] bool may_be_asked(std::string_view capabilities, const Question& question);

// What stands in for the answer of a client that may not be asked.
[[nodiscard]] std::string not_declared(const Question& question);

// {"result":…} or {"error":…} of a client's answer.
[[nodiscard]] std::string response_in(const mcp::Message& answer);

}  // namespace sluice::ingress
