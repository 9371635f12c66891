// McpApprovals: calls of MCP clients that wait for people. The client is asked, or told who else
// is; what becomes of the approval says policy-engine alone, which is asked again each time.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/mcp_approval_form.h"
#include "services/ingress/domain/mcp_calls.h"
#include "services/ingress/domain/mcp_exchange.h"
#include "services/ingress/domain/tool_execution.h"
#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/async/key_watch.h"

#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::ingress {

class McpApprovals {
 public:
  struct Deps {
    Approvals* approvals;  // all outlive it
    Admission* admission;
    McpCalls* calls;
    async::KeyWatch* watch;
    async::Clock* clock;
  };

  explicit McpApprovals(Deps deps) : deps_(deps) {}

  // The call may be made with its approval: people have answered, or its time is over.
  struct Settled {};

  // It waits on, and its client waits for it no longer.
  struct Left {
    policy::v1::Approval approval;
  };

  // Settled, the question to a modern client, or that it ends here.
  using Standing = std::variant<Settled, InputNeeded, Left>;

  // A modern client's first question. Errors of all: those of Approvals, Cancelled.
  Async<Standing> ask(Execution* execution, std::string approval_id);

  // A modern client came back with responses (as of InputRetry): gives its answer under its own
  // token, and waits a little where somebody else has to answer. Errors besides: NotFound (its
  // principal has no such approval), Invalid (reason too long).
  Async<Standing> resume(
      Execution* execution, std::string approval_id, std::string responses, TimePoint deadline
  );

  // Asks a legacy client on its stream until the approval is settled, wherever it is answered.
  // Left: the client declined, or the request's time is over. Errors besides: Cancelled (the client
  // left, or cancelled its request), Invalid (reason too long).
  Async<Standing> wait(McpExchange* exchange, Execution* execution, std::string approval_id);

  // The approval, which is the caller's own. Errors besides: NotFound.
  Async<policy::v1::Approval> find(Execution* execution, std::string approval_id);

 private:
  struct Waiting;

  Async<policy::v1::Approval> get(Execution* execution, std::string approval_id);
  // Whether policy-engine takes this caller's answer; what it refuses changes nothing.
  Async<bool> answer(Execution* execution, std::string approval_id, ApprovalResponse response);
  // One look at the approval, and what follows for the question.
  Async<bool> look(McpExchange* exchange, Execution* execution, Waiting* waiting);
  Async<void> tell(McpExchange* exchange, Execution* execution, Waiting* waiting);

  Deps deps_;
};

}  // namespace sluice::ingress
