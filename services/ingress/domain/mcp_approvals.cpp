#include "services/ingress/domain/mcp_approvals.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/json_rpc.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

bool is_pending(const policy::v1::Approval& approval) {
  return approval.state() == policy::v1::APPROVAL_STATE_PENDING;
}

// Whether to ask the caller for an answer of its own: it has the role and has not answered. Whether
// it may answer what it asked for itself, policy-engine says when it does.
bool has_an_answer(const Execution& execution, const policy::v1::Approval& approval) {
  const bool role = execution.caller->has_role("approver") || execution.caller->has_role("admin");
  return role && std::none_of(
                     approval.answers().begin(),
                     approval.answers().end(),
                     [&execution](const policy::v1::ApprovalAnswer& answer) {
                       return answer.principal() == execution.owner.principal;
                     }
                 );
}

// policy-engine has refused an answer: the caller may not give it, or it comes too late.
bool is_refusal(Code code) {
  return code == Code::Denied || code == Code::Conflict || code == Code::NotFound;
}

Error unknown_approval() {
  return Error(
      Code::NotFound,
      "you have no such approval: make the call anew, without requestState, to ask for one"
  );
}

// The one response of a modern client, as of a legacy one; "" for none.
std::string response_of(const std::string& responses) {
  const auto parsed = json::parse(responses);
  const json::Value* const response = parsed.ok() ? parsed.value().find(kApprovalKey) : nullptr;
  return response == nullptr ? std::string() : json::write(*response);
}

}  // namespace

// A legacy client's call under way.
struct McpApprovals::Waiting {
  policy::v1::Approval approval;  // as it was last seen
  bool seen = false;
  async::KeyWatch::Place* place = nullptr;
  std::unique_ptr<McpCalls::Asked> asked;
  bool refused = false;  // the caller's own answer
  TimePoint ask_at;      // not before
  TimePoint tell_at;     // that the call waits
  int told = 0;
};

Async<policy::v1::Approval> McpApprovals::get(Execution* execution, std::string approval_id) {
  // People take longer than a caller token lives.
  SLUICE_CO_TRY(
      execution->context.caller_token,
      co_await deps_.admission->fresh_token(execution->request, execution->context)
  );
  policy::v1::GetApprovalRequest request;
  request.set_id(std::move(approval_id));
  SLUICE_CO_TRY(
      policy::v1::GetApprovalReply reply,
      co_await deps_.approvals->get(std::move(request), execution->context)
  );
  const policy::v1::Approval& approval = reply.approval();
  if (approval.tenant() != execution->owner.tenant ||
      approval.principal() != execution->owner.principal) {
    co_return unknown_approval();  // an approver sees those of others
  }
  co_return std::move(*reply.mutable_approval());
}

Async<policy::v1::Approval> McpApprovals::find(Execution* execution, std::string approval_id) {
  auto found = co_await get(execution, std::move(approval_id));
  if (!found.ok() && found.error().code() == Code::NotFound) {
    co_return unknown_approval();
  }
  co_return found;
}

Async<bool> McpApprovals::answer(
    Execution* execution, std::string approval_id, ApprovalResponse response
) {
  policy::v1::AnswerApprovalRequest request;
  request.set_id(std::move(approval_id));
  request.set_approve(response.approve.value_or(false));
  request.set_reason(std::move(response.reason));
  const auto answered = co_await deps_.approvals->answer(std::move(request), execution->context);
  if (!answered.ok() && !is_refusal(answered.error().code())) {
    co_return answered.error();
  }
  co_return answered.ok();
}

Async<McpApprovals::Standing> McpApprovals::ask(Execution* execution, std::string approval_id) {
  SLUICE_CO_TRY(const policy::v1::Approval found, co_await get(execution, std::move(approval_id)));
  if (!is_pending(found)) {
    co_return Settled{};
  }
  co_return approval_needed(found, has_an_answer(*execution, found));
}

Async<McpApprovals::Standing> McpApprovals::resume(
    Execution* execution, std::string approval_id, std::string responses, TimePoint deadline
) {
  async::KeyWatch::Place place(deps_.watch, approval_id);
  SLUICE_CO_TRY(policy::v1::Approval found, co_await get(execution, approval_id));
  ApprovalResponse response = approval_response_in(response_of(responses));
  if (!is_pending(found)) {
    co_return Settled{};
  }
  if (response.declined) {
    co_return Left{std::move(found)};
  }
  TimePoint until =
      std::min<TimePoint>(deadline - kMcpApprovalReserve, deps_.clock->now() + kMcpApprovalHold);
  if (response.approve) {
    SLUICE_CO_CHECK_OK(co_await answer(execution, approval_id, std::move(response)));
    SLUICE_CO_TRY(found, co_await get(execution, approval_id));
    until = deps_.clock->now();  // the form for those who cannot answer is to be seen first
  }
  while (is_pending(found) && deps_.clock->now() < until &&
         deps_.watch->waiting() <= kMcpApprovalWaitsMax) {
    const TimePoint next = std::min<TimePoint>(until, deps_.clock->now() + kMcpApprovalPoll);
    SLUICE_CO_CHECK_OK(co_await place.wait(deps_.clock, next));
    SLUICE_CO_TRY(found, co_await get(execution, approval_id));
  }
  if (!is_pending(found)) {
    co_return Settled{};
  }
  co_return approval_needed(found, false);
}

Async<McpApprovals::Standing> McpApprovals::wait(
    McpExchange* exchange, Execution* execution, std::string approval_id
) {
  const TimePoint until = exchange->context.deadline - kMcpApprovalReserve;
  async::KeyWatch::Place place(deps_.watch, approval_id);
  Waiting waiting;
  waiting.approval.set_id(approval_id);
  waiting.place = &place;
  waiting.ask_at = deps_.clock->now();
  waiting.tell_at = deps_.clock->now();
  if (deps_.watch->waiting() > kMcpApprovalWaitsMax) {
    co_return Left{std::move(waiting.approval)};
  }
  for (;;) {  // ends at until
    SLUICE_CO_TRY(const bool goes_on, co_await look(exchange, execution, &waiting));
    const bool settled = !is_pending(waiting.approval) && waiting.seen;
    if (!goes_on || settled || deps_.clock->now() >= until) {
      if (waiting.asked != nullptr) {
        SLUICE_CO_CHECK_OK(co_await waiting.asked->withdraw(exchange->reply));
      }
      co_return settled ? Standing(Settled{}) : Standing(Left{std::move(waiting.approval)});
    }
    SLUICE_CO_CHECK_OK(co_await tell(exchange, execution, &waiting));
    const TimePoint next = std::min<TimePoint>(until, deps_.clock->now() + kMcpApprovalPoll);
    SLUICE_CO_CHECK_OK(co_await place.wait(deps_.clock, next));
    if (exchange->reply->gone()) {
      co_return Error(Code::Cancelled, "the client left before its call was approved");
    }
  }
}

// False: the client does not want to wait.
Async<bool> McpApprovals::look(McpExchange* exchange, Execution* execution, Waiting* waiting) {
  const std::string id = waiting->approval.id();
  if (waiting->asked != nullptr && !waiting->asked->response().empty()) {
    ApprovalResponse response = approval_response_in(waiting->asked->response());
    waiting->asked.reset();
    waiting->ask_at = deps_.clock->now() + kMcpApprovalHold;
    if (response.declined) {
      co_return false;
    }
    if (response.approve) {
      SLUICE_CO_TRY(const bool taken, co_await answer(execution, id, std::move(response)));
      waiting->refused = !taken;
      waiting->ask_at = taken ? waiting->ask_at : deps_.clock->now();
    }
  }
  const auto found = co_await get(execution, id);
  if (!found.ok()) {
    if (found.error().code() == Code::Cancelled || found.error().code() == Code::NotFound) {
      co_return found.error();
    }
    co_return true;  // it cannot be read at the moment: looked at again
  }
  waiting->approval = found.value();
  waiting->seen = true;
  if (is_pending(waiting->approval) && waiting->asked == nullptr &&
      deps_.clock->now() >= waiting->ask_at) {
    waiting->asked = std::make_unique<McpCalls::Asked>(
        deps_.calls,
        McpSessionOwner{.owner = exchange->owner, .session = exchange->session},
        approval_question(
            waiting->approval, !waiting->refused && has_an_answer(*execution, waiting->approval)
        ),
        [place = waiting->place] { place->wake(); }
    );
    SLUICE_CO_CHECK_OK(co_await waiting->asked->send(exchange->reply));
  }
  co_return true;
}

// Clients that watch progress wait as long as there is some; the others' streams are kept open.
Async<void> McpApprovals::tell(McpExchange* exchange, Execution* execution, Waiting* waiting) {
  if (deps_.clock->now() < waiting->tell_at) {
    co_return Result<void>();
  }
  waiting->tell_at = deps_.clock->now() + kMcpKeepAlive;
  ++waiting->told;
  if (execution->progress) {
    // Parts of one: what the server tells later is more.
    constexpr int kParts = 1'000;
    SLUICE_CO_CHECK_OK(co_await execution->progress(mcp::make_notification(
        "notifications/progress",
        json::write(json::object({
            {"progressToken", 0},
            {"progress", static_cast<double>(waiting->told) / kParts},
            {"message", "waits for approval " + waiting->approval.id()},
        }))
    )));
  }
  co_return co_await exchange->reply->keep_alive();
}

}  // namespace sluice::ingress
