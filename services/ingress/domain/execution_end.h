// How the execution of a tool call ended, before anyone words it: the OpenAI routes in
// execution_answer.h, MCP in mcp_result.h. What has no place here is an Error.
#pragma once

#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <variant>

namespace sluice::ingress {

// No server has such a tool; message names what the caller may have meant.
struct UnknownTool {
  std::string message;
};

// There is no grant: policy denies the call, or it waits for a person.
struct Withheld {
  policy::v1::Decision decision;

  [[nodiscard]] bool waits() const {
    return decision.verdict() == policy::v1::VERDICT_APPROVE ||
           decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE;
  }
};

// The server answered, with a result or a JSON-RPC error.
struct Finished {
  connector::v1::Final final;
};

// Executed before; kept is its result or error as the trail has it, empty when no longer kept.
struct Replayed {
  std::string kept;
};

struct InProgress {};  // started before, and has not ended

struct OutcomeUnknown {};  // sent to its server, and no answer is recorded

// Certainly without effect, and its grant is spent.
struct NotCarriedOut {
  std::string why;
};

// No end yet: the server asks its client first, and its request waits for the answers.
struct InputNeeded {
  std::string server_id;
  std::string server;  // its name
  std::string method;
  std::string request_id;  // of connector.v1.InputRequired
  std::string requests;    // JSON object: key to {"method":…,"params":…}
};

using ExecutionEnd = std::variant<
    UnknownTool,
    Withheld,
    Finished,
    Replayed,
    InProgress,
    OutcomeUnknown,
    NotCarriedOut,
    InputNeeded>;

}  // namespace sluice::ingress
