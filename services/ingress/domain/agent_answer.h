// How a chat in agent mode ended, in the words of the answer: the object "sluice", sums of usage, a
// plain completion. Pure.
#pragma once

#include "services/ingress/domain/agent_tools.h"

#include "common/json/value.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::ingress {

// What the object "sluice" tells.
struct AgentReport {
  std::string stop_reason;  // of README.md#agent-mode
  std::size_t depth = 0;    // rounds of automatic calls that were run
  std::string transcript;   // all messages since the request, joined by commas
  std::vector<PendingApproval> approvals;
  std::vector<WaitingScript> scripts;
  std::vector<json::Value> usage_by_step;  // one entry per question to the model
  json::Value error;                       // null unless stop_reason is error or deadline

  // A message more.
  void add(std::string_view message);
};

[[nodiscard]] std::string own_object(const AgentReport& report);

// What a model counted: usage (the member as it wrote it) where it is there, else that of final.
[[nodiscard]] json::Value usage_of(const json::Value* usage, const provider::v1::ChatFinal& final);
// Numbers added member by member, of all steps.
[[nodiscard]] json::Value usage_sum(const std::vector<json::Value>& steps);

// The message the caller gets: with those of its tool calls only that wait.
[[nodiscard]] json::Value answer_message(const json::Value& message, const json::Array& waiting);

// completion: the model's last one; its choice gets this message and reason, usage the sum, and
// the report is added.
[[nodiscard]] std::string agent_completion(
    json::Value completion,
    json::Value message,
    const std::string& finish_reason,
    const AgentReport& report
);

}  // namespace sluice::ingress
