// AgentTools: carries out the calls of one turn of a model: decided together, run at the same time,
// answered in their order. What may not run by itself comes back as waiting.
#pragma once

#include "services/ingress/domain/agent_calls.h"
#include "services/ingress/domain/chat_turn.h"
#include "services/ingress/domain/code_execution.h"
#include "services/ingress/domain/tool_execution.h"
#include "services/ingress/domain/trail.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

// A call that waits for people.
struct PendingApproval {
  std::string id;
  std::string tool_call_id;
  std::string server;
  std::string tool;
  policy::v1::Verdict required = policy::v1::VERDICT_APPROVE;  // or approve_twice
};

// A script that nobody may run but whoever executes it explicitly, and what it can call.
struct WaitingScript {
  std::string tool_call_id;
  std::vector<codemode::v1::CallVerdict> call_set;
};

// What became of one call.
struct AgentCallEnd {
  std::string message;                      // the tool message for the model; empty: the call waits
  std::optional<PendingApproval> approval;  // it waits for that
  std::optional<WaitingScript> script;      // it waits, as a script
  bool effect = false;                      // it may have changed something
  std::uint32_t hop = 0;                    // highest of its records, where it says so
};

class AgentTools {
 public:
  struct Deps {
    ToolExecution* tools;  // all outlive it
    CodeExecution* code;
    Trail* trail;
    audit::Client* audit;
  };

  explicit AgentTools(Deps deps) : deps_(deps) {}

  // turn: context with the hop of the model's answer. One end per call. A call that fails, is
  // refused or does not exist is answered with that. Errors: Cancelled, and those with which
  // policy-engine does not decide (nothing has run then).
  Async<std::vector<AgentCallEnd>> run(const ChatTurn* turn, std::vector<AgentCall> calls);

 private:
  struct Slot;

  static AgentCallEnd end_of(Slot& slot);
  Async<void> find(Slot* slot, const ChatTurn* turn);
  Async<void> carry_out(Slot* slot);
  Async<void> decide(std::vector<Slot>* slots);
  // A meta-tool's.
  Async<void> run_meta(Slot* slot, const ChatTurn* turn);
  Async<void> run_script(Slot* slot, const ChatTurn* turn, RequestContext context);

  Deps deps_;
};

}  // namespace sluice::ingress
