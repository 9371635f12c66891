#include "services/policy-engine/handlers/approvals_answer.h"

#include "services/policy-engine/domain/approval_events.h"
#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/grant/policy_names.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::policy_engine {
namespace {

Result<Answer> answer_of(
    const policy::v1::AnswerApprovalRequest& request,
    const VerifiedCaller& caller,
    std::int64_t now_unix_ms
) {
  constexpr auto kContinuation = 0x80U;
  constexpr auto kContinuationMask = 0xC0U;
  const auto characters =
      std::count_if(request.reason().begin(), request.reason().end(), [](char c) {
        return (static_cast<unsigned char>(c) & kContinuationMask) != kContinuation;
      });
  if (static_cast<std::size_t>(characters) > kAnswerReasonCharactersMax) {
    return Error(
        Code::Invalid,
        "a reason has at most " + std::to_string(kAnswerReasonCharactersMax) +
            " characters: send a shorter one"
    );
  }
  return Answer{
      .tenant = caller.claims.tenant(),
      .principal = caller.claims.principal(),
      .key_id = caller.claims.key_id(),
      .approve = request.approve(),
      .reason = request.reason(),
      .now_unix_ms = now_unix_ms,
      .rules = caller.policy->policy.approvals,
  };
}

}  // namespace

Async<policy::v1::AnswerApprovalReply> ApprovalsAnswerHandler::operator()(
    policy::v1::AnswerApprovalRequest request, RequestContext context
) {
  const std::int64_t now = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify(context));
  if (!may_answer_for_others(caller)) {
    co_return Error(
        Code::Denied, "answering approvals needs a key with the role approver: ask the operator"
    );
  }
  SLUICE_CO_TRY(Answer answer, answer_of(request, caller, now));
  const auto answered = std::make_shared<Answered>();
  ApprovalTransition transition = [answered, answer = std::move(answer)](StoredApproval* stored) {
    *answered = answer_approval(stored, answer);
    return answered->records;
  };
  const TimePoint deadline =
      std::min<TimePoint>(context.deadline, deps_.clock->now() + kApprovalHandlerTimeout);
  SLUICE_CO_TRY(
      ChangedApproval changed,
      co_await async::with_deadline(
          deps_.clock,
          deadline,
          deps_.store->change(std::move(*request.mutable_id()), std::move(transition))
      )
  );
  if (changed.changed) {
    tell(deps_.events, deps_.log, changed.stored.approval);
    deps_.metrics
        ->counter(
            "sluice_policy_approval_answers_total",
            "Answers to approvals, by the state they led to.",
            {{"state", std::string(name_of(changed.stored.approval.state()))}}
        )
        .add();
  }
  if (answered->refused) {
    co_return *answered->refused;
  }
  policy::v1::AnswerApprovalReply reply;
  *reply.mutable_approval() = std::move(changed.stored.approval);
  co_return reply;
}

}  // namespace sluice::policy_engine
