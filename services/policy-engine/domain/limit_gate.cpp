#include "services/policy-engine/domain/limit_gate.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"
#include "common/grant/grant.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

Error unreachable(const Error& error) {
  return Error(
             Code::Unavailable,
             "a limit counts this call, and its counters cannot be reached at the moment: try "
             "again "
             "in a few seconds"
  )
      .with_detail(error.to_log())
      .with_retry_after(std::chrono::seconds(1));
}

// What a limit has to do with a call.
enum class Concern { None, Look, Take };

Concern concern_of(const policy::v1::ToolCall& call, const policy::v1::Decision& decision) {
  if (!decision.grant().empty()) {
    return Concern::Take;
  }
  if (decision.verdict() == policy::v1::VERDICT_DENY) {
    return Concern::None;
  }
  if (!call.approval_id().empty()) {
    return Concern::Take;
  }
  const bool asks = decision.verdict() == policy::v1::VERDICT_APPROVE ||
                    decision.verdict() == policy::v1::VERDICT_APPROVE_TWICE;
  return asks ? Concern::Look : Concern::None;
}

Reservation reservation_for(const Batch& batch, int index, const policy::v1::Decision& decision) {
  Reservation reservation;
  reservation.counters = counters_of_call(batch, index, decision.effect_class());
  if (reservation.counters.empty()) {
    return reservation;
  }
  reservation.grant_id = grant_id_of(batch, index);
  reservation.not_after_unix_ms = batch.request->decision_unix_ms() + grant::kGrantLifeMs;
  reservation.is_read = decision.effect_class() == policy::v1::EFFECT_CLASS_READ;
  return reservation;
}

}  // namespace

Async<policy::v1::DecideReply> LimitGate::apply(
    const Batch* batch, policy::v1::DecideReply reply, TakenPlaces* taken
) {
  std::vector<Asked> asked;
  if (!batch->caller->policy->policy.limits->empty()) {
    for (int i = 0; i < reply.decisions_size(); ++i) {
      const Concern concern = concern_of(batch->request->calls(i), reply.decisions(i));
      if (concern == Concern::None) {
        continue;
      }
      Reservation reservation = reservation_for(*batch, i, reply.decisions(i));
      reservation.only_look = concern == Concern::Look;
      if (!reservation.counters.empty()) {
        asked.push_back({i, std::move(reservation)});
      }
    }
  }
  SLUICE_CO_CHECK_OK(co_await reserve(batch, std::move(asked), &reply, taken));
  co_return reply;
}

Async<void> LimitGate::take(
    const Batch* batch, int index, policy::v1::Decision* decision, TakenPlaces* taken
) {
  std::vector<Asked> asked;
  Reservation reservation = reservation_for(*batch, index, *decision);
  if (!reservation.counters.empty()) {
    asked.push_back({index, std::move(reservation)});
  }
  policy::v1::DecideReply alone;
  for (int i = 0; i <= index; ++i) {
    alone.add_decisions();
  }
  *alone.mutable_decisions(index) = *decision;
  SLUICE_CO_CHECK_OK(co_await reserve(batch, std::move(asked), &alone, taken));
  *decision = std::move(*alone.mutable_decisions(index));
  co_return Result<void>();
}

Async<void> LimitGate::reserve(
    const Batch* batch, std::vector<Asked> asked, policy::v1::DecideReply* reply, TakenPlaces* taken
) {
  if (asked.empty()) {
    co_return Result<void>();
  }
  std::vector<Reservation> calls;
  for (const Asked& one : asked) {
    calls.push_back(one.reservation);
  }
  const TimePoint deadline =
      std::min<TimePoint>(batch->context->deadline, deps_.clock->now() + kLimitTimeout);
  const auto ends = co_await async::with_deadline(
      deps_.clock, deadline, deps_.counters->reserve(std::move(calls))
  );
  if (!ends.ok() || ends.value().size() != asked.size()) {
    co_return unreachable(
        ends.ok() ? Error(Code::Internal, "the counters answered about other calls") : ends.error()
    );
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const ReservationEnd& end = ends.value()[i];
    const int index = asked[i].index;
    if (end.kind == ReservationEnd::Kind::Over) {
      refuse(
          asked[i], end, batch->request->calls(index).approval_id(), reply->mutable_decisions(index)
      );
    } else if (end.kind == ReservationEnd::Kind::Taken && !asked[i].reservation.only_look) {
      taken->insert_or_assign(index, std::move(asked[i].reservation));
    }
  }
  co_return Result<void>();
}

void LimitGate::refuse(
    const Asked& asked,
    const ReservationEnd& end,
    const std::string& approval_id,
    policy::v1::Decision* decision
) {
  const LimitCounter& full =
      asked.reservation.counters[std::min(end.counter, asked.reservation.counters.size() - 1)];
  decision->set_verdict(policy::v1::VERDICT_DENY);
  decision->set_rule(limit_rule(*full.limit));
  decision->set_reason(limit_reason(*full.limit, full.subject, end.at_once, end.retry_after_ms));
  decision->set_retry_after_ms(
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(end.retry_after_ms, 1, UINT32_MAX))
  );
  decision->set_approval_id(approval_id);
  decision->clear_grant();
  decision->clear_grant_id();
  deps_.metrics
      ->counter(
          "sluice_policy_limited_total",
          "Calls refused because a limit was reached, by limit.",
          {{"limit", full.limit->id}}
      )
      .add();
}

Async<void> LimitGate::give_back(const policy::v1::DecideReply* reply, TakenPlaces* taken) {
  for (const auto& [index, place] : *taken) {
    if (reply != nullptr && !reply->decisions(index).grant().empty()) {
      continue;
    }
    connector::v1::CallEnded end;
    end.set_grant_id(place.grant_id);
    end.set_outcome(connector::v1::OUTCOME_FAILED);
    end.set_not_after_unix_ms(place.not_after_unix_ms);
    const auto settled = co_await async::with_deadline(
        deps_.clock, deps_.clock->now() + kLimitTimeout, deps_.counters->settle(std::move(end))
    );
    if (!settled.ok()) {
      deps_.log->warn("limit-not-given-back", {{"error", settled.error().to_log()}});
    }
  }
  taken->clear();
  co_return Result<void>();
}

}  // namespace sluice::policy_engine
