// What is said about a call that was let through: done, failed or unknown. One rule, used for
// answer and record alike.
#pragma once

#include "common/base/result.h"
#include "common/mcp/json_rpc.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// What came back from the server.
struct Answer {
  std::string result;  // raw JSON; empty when error is not
  std::string error;   // raw JSON-RPC error object
  bool asks = false;   // the result is no end: the server asks for more input (modern era)
};

// How a call ended. `sent` decides between failed and unknown when there is no answer.
struct CallEnd {
  connector::v1::Outcome outcome = connector::v1::OUTCOME_UNSPECIFIED;
  Answer answer;           // empty unless done or cut short
  bool is_error = false;   // the result says isError
  std::string error_code;  // canonical code name, or "json_rpc_error"
  std::string detail;      // one sentence, safe for the outside
  int rpc_code = 0;        // of the JSON-RPC error the caller gets when there is no answer
};

// The server answered a request with this method; only a tool can say isError.
[[nodiscard]] CallEnd ended_with(std::string_view method, Answer answer);
// Certainly not carried out: never handed to the server.
[[nodiscard]] CallEnd not_sent(const Error& why);
// Handed to the server, no answer. One that it refused for want of credentials was not carried out.
[[nodiscard]] CallEnd no_answer(const Error& why);
// Handed to the server and ended by the gateway, which gives the caller this error. detail: why.
[[nodiscard]] CallEnd cut_short(const mcp::RpcError& error, std::string detail);

[[nodiscard]] audit::v1::Outcome audit_outcome(connector::v1::Outcome outcome);
[[nodiscard]] std::string_view name_of(policy::v1::EffectClass effect);
// Anything but a certain read needs a durable intent.
[[nodiscard]] bool needs_durable_intent(policy::v1::EffectClass effect);

}  // namespace sluice::mcp_connector
