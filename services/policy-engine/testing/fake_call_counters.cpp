#include "services/policy-engine/testing/fake_call_counters.h"

#include "services/policy-engine/limits.h"

#include "common/grant/grant.h"

#include <algorithm>

namespace sluice::policy_engine {
namespace {

std::string form_name(const std::string& grant_id, std::int64_t not_after_unix_ms) {
  return grant_id + ":" + std::to_string(not_after_unix_ms);
}

}  // namespace

Result<void> FakeCallCounters::step() {
  if (faults_ != nullptr) {
    SLUICE_CHECK_OK(faults_->step());
  }
  return down_ ? Result<void>(Error(Code::Unavailable, "Redis is not connected")) : Result<void>();
}

std::vector<std::int64_t> FakeCallCounters::times_in(const LimitCounter& counter, bool at_once)
    const {
  const std::int64_t now = clock_->unix_ms();
  std::vector<std::int64_t> times;
  for (const auto& [name, call] : calls_) {
    const auto place = call.places.find(counter.key);
    if (place == call.places.end()) {
      continue;
    }
    if (at_once && place->second.over_ms > now) {
      times.push_back(place->second.over_ms);
    } else if (!at_once && place->second.counted &&
               place->second.counted_ms > now - counter.limit->window_ms) {
      times.push_back(place->second.counted_ms);
    }
  }
  std::sort(times.begin(), times.end());
  return times;
}

bool FakeCallCounters::has_place(const Call* call, const LimitCounter& counter, bool at_once)
    const {
  if (call == nullptr) {
    return false;
  }
  const std::int64_t now = clock_->unix_ms();
  const auto place = call->places.find(counter.key);
  return place != call->places.end() &&
         (at_once
              ? place->second.over_ms > now
              : place->second.counted && place->second.counted_ms > now - counter.limit->window_ms);
}

ReservationEnd FakeCallCounters::reserve_one(const Reservation& asked) {
  const std::int64_t now = clock_->unix_ms();
  const std::string name =
      asked.is_read ? form_name(asked.grant_id, asked.not_after_unix_ms) : asked.grant_id;
  const auto found = calls_.find(name);
  Call* const known = found == calls_.end() ? nullptr : &found->second;
  ReservationEnd end;
  end.kind = known != nullptr ? ReservationEnd::Kind::Found : ReservationEnd::Kind::Taken;
  if (known != nullptr && known->ended) {
    return end;
  }
  for (std::size_t i = 0; i < asked.counters.size(); ++i) {
    const LimitCounter& counter = asked.counters[i];
    for (const bool at_once : {false, true}) {
      const std::size_t most = at_once ? counter.limit->at_once : counter.limit->calls;
      const auto times = times_in(counter, at_once);
      if (most == 0 || has_place(known, counter, at_once) || times.size() < most) {
        continue;
      }
      if (end.kind != ReservationEnd::Kind::Over) {
        end.kind = ReservationEnd::Kind::Over;
        end.counter = i;
        end.at_once = at_once;
      }
      end.retry_after_ms = std::max(
          end.retry_after_ms,
          at_once ? kAtOnceRetryMs : times[times.size() - most] + counter.limit->window_ms - now
      );
    }
  }
  if (end.kind == ReservationEnd::Kind::Over || asked.only_look) {
    return end;
  }
  const bool again = known != nullptr && known->not_after != asked.not_after_unix_ms;
  Call& call = calls_[name];
  for (const LimitCounter& counter : asked.counters) {
    subjects_[counter.limit->id][counter.key] = counter.subject;
    const bool counted = has_place(&call, counter, false);
    Place& place = call.places[counter.key];
    if (counter.limit->calls > 0 && (!counted || again)) {
      place.counted = true;
      place.counted_ms = now;
    }
    if (counter.limit->at_once > 0) {
      place.over_ms =
          now + grant::kGrantLifeMs + kDecisionAheadMsMax + counter.limit->longest_call_ms;
    }
  }
  call.not_after = asked.not_after_unix_ms;
  call.again = call.again || known != nullptr;
  return end;
}

Async<std::vector<ReservationEnd>> FakeCallCounters::reserve(std::vector<Reservation> calls) {
  ++reserves;
  SLUICE_CO_CHECK_OK(step());
  std::vector<ReservationEnd> ends;
  for (const Reservation& call : calls) {
    ends.push_back(reserve_one(call));
  }
  co_return ends;
}

Async<void> FakeCallCounters::settle(connector::v1::CallEnded end) {
  SLUICE_CO_CHECK_OK(step());
  settled.push_back(end);
  for (const std::string& name :
       {end.grant_id(), form_name(end.grant_id(), end.not_after_unix_ms())}) {
    const auto found = calls_.find(name);
    if (found == calls_.end() || found->second.ended) {
      continue;
    }
    Call& call = found->second;
    if (!end.used() && (call.again || call.not_after != end.not_after_unix_ms())) {
      continue;
    }
    if (end.outcome() == connector::v1::OUTCOME_FAILED) {
      calls_.erase(found);
      continue;
    }
    call.ended = true;
    for (auto& [counter, place] : call.places) {
      place.over_ms = 0;
    }
  }
  co_return Result<void>();
}

Async<policy::v1::LimitState> FakeCallCounters::state(Limit limit) {
  SLUICE_CO_CHECK_OK(step());
  policy::v1::LimitState state;
  state.set_id(limit.id);
  for (const auto& [key, subject] : subjects_[limit.id]) {
    for (const bool at_once : {false, true}) {
      const auto times = times_in({&limit, key, subject}, at_once);
      if (times.empty() || (at_once ? limit.at_once : limit.calls) == 0) {
        continue;
      }
      auto* const counter = state.add_counters();
      counter->set_subject(subject);
      counter->set_taken(static_cast<std::uint32_t>(times.size()));
      counter->set_calls(at_once ? limit.at_once : limit.calls);
      counter->set_at_once(at_once);
      counter->set_frees_unix_ms(at_once ? 0 : times.front() + limit.window_ms);
    }
  }
  co_return state;
}

}  // namespace sluice::policy_engine
