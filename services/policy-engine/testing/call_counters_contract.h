// The suite that the fake and the real counters of limits both pass. A Rig gives counters() and
// pass(milliseconds).
#pragma once

#include "services/policy-engine/ports.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::policy_engine {

// A limit of a test's own: ids differ, so that tests do not meet in one counter.
inline Limit limit_of(
    std::string id, std::uint32_t calls, std::int64_t window_ms, std::uint32_t at_once = 0
) {
  Limit limit;
  limit.id = std::move(id);
  limit.calls = calls;
  limit.window_ms = window_ms;
  limit.at_once = at_once;
  limit.longest_call_ms = 60'000;
  return limit;
}

inline LimitCounter counter_of(const Limit& limit, const std::string& who = "a") {
  std::string key(32, '0');
  key.replace(0, limit.id.size(), limit.id);
  key.replace(key.size() - who.size(), who.size(), who);
  return {&limit, key, who};
}

// 16 bytes from a short name.
inline std::string grant_named(const std::string& name) {
  std::string id(16, '.');
  return id.replace(0, name.size(), name);
}

inline Reservation call_named(
    const std::string& name, std::vector<LimitCounter> counters, std::int64_t not_after = 1'000
) {
  Reservation call;
  call.grant_id = grant_named(name);
  call.not_after_unix_ms = not_after;
  call.counters = std::move(counters);
  return call;
}

enum class GrantUsed { Yes, No };

inline connector::v1::CallEnded end_of(
    const Reservation& call, connector::v1::Outcome outcome, GrantUsed used = GrantUsed::Yes
) {
  connector::v1::CallEnded end;
  end.set_grant_id(call.grant_id);
  end.set_not_after_unix_ms(call.not_after_unix_ms);
  end.set_outcome(outcome);
  end.set_used(used == GrantUsed::Yes);
  return end;
}

template <class Rig>
class CallCountersContract : public ::testing::Test {
 protected:
  using Kind = ReservationEnd::Kind;

  ReservationEnd reserve(const Reservation& call) {
    auto ends = rig.run(rig.counters().reserve({call}));
    EXPECT_TRUE(ends.ok()) << (ends.ok() ? "" : ends.error().to_log());
    return ends.ok() && ends.value().size() == 1 ? ends.value().front() : ReservationEnd();
  }

  void settle(const connector::v1::CallEnded& end) {
    EXPECT_TRUE(rig.run(rig.counters().settle(end)).ok());
  }

  std::uint32_t taken(const Limit& limit, bool at_once = false) {
    const auto state = rig.run(rig.counters().state(limit));
    EXPECT_TRUE(state.ok());
    std::uint32_t sum = 0;
    for (const auto& counter : state.value().counters()) {
      sum += counter.at_once() == at_once ? counter.taken() : 0;
    }
    return sum;
  }

  Rig rig;
};

TYPED_TEST_SUITE_P(CallCountersContract);

TYPED_TEST_P(CallCountersContract, LetsAsManyPassAsTheLimitSays) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("many", 2, 60'000);

  EXPECT_EQ(this->reserve(call_named("1", {counter_of(limit)})).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(call_named("2", {counter_of(limit)})).kind, Kind::Taken);
  const auto over = this->reserve(call_named("3", {counter_of(limit)}));
  EXPECT_EQ(this->reserve(call_named("4", {counter_of(limit, "b")})).kind, Kind::Taken);

  EXPECT_EQ(over.kind, Kind::Over);
  EXPECT_GT(over.retry_after_ms, 50'000);
  EXPECT_LE(over.retry_after_ms, 60'000);
  EXPECT_EQ(this->taken(limit), 3U);
}

TYPED_TEST_P(CallCountersContract, CountsARepeatOnceAndEachFormOfAReadApart) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("repeat", 3, 60'000);
  const auto first = call_named("1", {counter_of(limit)}, 1'000);
  const auto later = call_named("1", {counter_of(limit)}, 2'000);
  Reservation read = call_named("2", {counter_of(limit)}, 1'000);
  read.is_read = true;
  Reservation read_later = read;
  read_later.not_after_unix_ms = 2'000;

  EXPECT_EQ(this->reserve(first).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(first).kind, Kind::Found);
  EXPECT_EQ(this->reserve(later).kind, Kind::Found);
  EXPECT_EQ(this->taken(limit), 1U);
  EXPECT_EQ(this->reserve(read).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(read).kind, Kind::Found);
  EXPECT_EQ(this->reserve(read_later).kind, Kind::Taken);
  EXPECT_EQ(this->taken(limit), 3U);
}

TYPED_TEST_P(CallCountersContract, FindsItsPlacesWhereTheLimitIsFull) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("full", 1, 60'000, 1);
  const auto call = call_named("1", {counter_of(limit)});

  EXPECT_EQ(this->reserve(call).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(call_named("2", {counter_of(limit)})).kind, Kind::Over);
  EXPECT_EQ(this->reserve(call).kind, Kind::Found);
  this->settle(end_of(call, connector::v1::OUTCOME_DONE));
  EXPECT_EQ(this->reserve(call).kind, Kind::Found);  // answered from the trail
  EXPECT_EQ(this->taken(limit, true), 0U);
}

TYPED_TEST_P(CallCountersContract, TakesAllPlacesOrNone) {
  using Kind = ReservationEnd::Kind;
  const Limit wide = limit_of("wide", 5, 60'000);
  const Limit narrow = limit_of("narrow", 1, 60'000);

  EXPECT_EQ(this->reserve(call_named("1", {counter_of(narrow)})).kind, Kind::Taken);
  const auto over = this->reserve(call_named("2", {counter_of(wide), counter_of(narrow)}));

  EXPECT_EQ(over.kind, Kind::Over);
  EXPECT_EQ(over.counter, 1U);
  EXPECT_EQ(this->taken(wide), 0U);
}

TYPED_TEST_P(CallCountersContract, CallsOfOneRequestComeInOrder) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("order", 2, 60'000);
  std::vector<Reservation> calls;
  for (const char* name : {"1", "2", "3"}) {
    calls.push_back(call_named(name, {counter_of(limit)}));
  }
  calls[0].only_look = true;

  const auto ends = this->rig.run(this->rig.counters().reserve(calls));
  calls[0].grant_id = grant_named("4");
  const auto full = this->rig.run(this->rig.counters().reserve(calls));

  ASSERT_TRUE(ends.ok() && full.ok());
  EXPECT_EQ(ends.value()[0].kind, Kind::Taken);
  EXPECT_EQ(ends.value()[1].kind, Kind::Taken);
  EXPECT_EQ(ends.value()[2].kind, Kind::Taken);
  EXPECT_EQ(this->taken(limit), 2U);
  EXPECT_EQ(full.value()[0].kind, Kind::Over);
  EXPECT_EQ(full.value()[1].kind, Kind::Found);
}

TYPED_TEST_P(CallCountersContract, TheWindowSlides) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("slides", 2, 600);

  EXPECT_EQ(this->reserve(call_named("1", {counter_of(limit)})).kind, Kind::Taken);
  this->rig.pass(std::chrono::milliseconds(300));
  EXPECT_EQ(this->reserve(call_named("2", {counter_of(limit)})).kind, Kind::Taken);
  const auto over = this->reserve(call_named("3", {counter_of(limit)}));
  this->rig.pass(std::chrono::milliseconds(over.retry_after_ms));

  EXPECT_EQ(over.kind, Kind::Over);
  EXPECT_LE(over.retry_after_ms, 300);
  EXPECT_EQ(this->reserve(call_named("3", {counter_of(limit)})).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(call_named("4", {counter_of(limit)})).kind, Kind::Over);
}

TYPED_TEST_P(CallCountersContract, WhatWasNotCarriedOutIsGivenBack) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("back", 1, 60'000, 1);
  for (const GrantUsed used : {GrantUsed::Yes, GrantUsed::No}) {
    const auto call = call_named(used == GrantUsed::Yes ? "1" : "2", {counter_of(limit)});
    EXPECT_EQ(this->reserve(call).kind, Kind::Taken);
    this->settle(end_of(call, connector::v1::OUTCOME_FAILED, used));
    EXPECT_EQ(this->taken(limit), 0U);
    EXPECT_EQ(this->taken(limit, true), 0U);
  }
  for (const auto outcome : {connector::v1::OUTCOME_DONE, connector::v1::OUTCOME_UNKNOWN}) {
    const Limit other = limit_of(outcome == connector::v1::OUTCOME_DONE ? "d" : "u", 1, 60'000, 1);
    const auto call =
        call_named(outcome == connector::v1::OUTCOME_DONE ? "3" : "4", {counter_of(other)});
    EXPECT_EQ(this->reserve(call).kind, Kind::Taken);
    this->settle(end_of(call, outcome));
    EXPECT_EQ(this->taken(other), 1U);
    EXPECT_EQ(this->taken(other, true), 0U);
  }
}

// Whoever holds an old form of a grant must not be able to have a call that ran counted no more.
TYPED_TEST_P(CallCountersContract, ARefusedFormSaysNothingAboutTheOthers) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("forms", 1, 60'000, 1);
  const auto first = call_named("1", {counter_of(limit)}, 1'000);
  const auto second = call_named("1", {counter_of(limit)}, 2'000);

  EXPECT_EQ(this->reserve(first).kind, Kind::Taken);
  this->settle(end_of(second, connector::v1::OUTCOME_FAILED, GrantUsed::No));  // unknown form
  EXPECT_EQ(this->taken(limit), 1U);
  EXPECT_EQ(this->reserve(second).kind, Kind::Found);
  this->settle(end_of(second, connector::v1::OUTCOME_FAILED, GrantUsed::No));
  this->settle(end_of(first, connector::v1::OUTCOME_FAILED, GrantUsed::No));
  EXPECT_EQ(this->taken(limit), 1U);
  EXPECT_EQ(this->taken(limit, true), 1U);
  this->settle(end_of(first, connector::v1::OUTCOME_DONE));
  this->settle(end_of(second, connector::v1::OUTCOME_FAILED, GrantUsed::No));
  this->settle(end_of(second, connector::v1::OUTCOME_FAILED, GrantUsed::Yes));

  EXPECT_EQ(this->taken(limit), 1U);
  EXPECT_EQ(this->taken(limit, true), 0U);
}

TYPED_TEST_P(CallCountersContract, CallsInFlightAreCountedUntilTheyEnd) {
  using Kind = ReservationEnd::Kind;
  const Limit limit = limit_of("flight", 0, 0, 2);
  const auto first = call_named("1", {counter_of(limit)});

  EXPECT_EQ(this->reserve(first).kind, Kind::Taken);
  EXPECT_EQ(this->reserve(call_named("2", {counter_of(limit)})).kind, Kind::Taken);
  const auto over = this->reserve(call_named("3", {counter_of(limit)}));
  this->settle(end_of(first, connector::v1::OUTCOME_DONE));

  EXPECT_EQ(over.kind, Kind::Over);
  EXPECT_TRUE(over.at_once);
  EXPECT_GT(over.retry_after_ms, 0);
  EXPECT_EQ(this->reserve(call_named("3", {counter_of(limit)})).kind, Kind::Taken);
  EXPECT_EQ(this->taken(limit, true), 2U);
}

TYPED_TEST_P(CallCountersContract, TellsTheFullestFirst) {
  const Limit limit = limit_of("told", 2, 60'000);
  EXPECT_EQ(
      this->reserve(call_named("1", {counter_of(limit, "key:a")})).kind, ReservationEnd::Kind::Taken
  );
  EXPECT_EQ(
      this->reserve(call_named("2", {counter_of(limit, "key:a")})).kind, ReservationEnd::Kind::Taken
  );
  EXPECT_EQ(
      this->reserve(call_named("3", {counter_of(limit, "key:b")})).kind, ReservationEnd::Kind::Taken
  );

  const auto state = this->rig.run(this->rig.counters().state(limit));

  ASSERT_TRUE(state.ok());
  ASSERT_EQ(state.value().counters_size(), 2);
  EXPECT_EQ(state.value().id(), "told");
  EXPECT_EQ(state.value().counters(0).subject(), "key:a");
  EXPECT_EQ(state.value().counters(0).taken(), 2U);
  EXPECT_EQ(state.value().counters(0).calls(), 2U);
  EXPECT_GT(state.value().counters(0).frees_unix_ms(), 60'000);
  EXPECT_EQ(state.value().counters(1).taken(), 1U);
}

REGISTER_TYPED_TEST_SUITE_P(
    CallCountersContract,
    LetsAsManyPassAsTheLimitSays,
    CountsARepeatOnceAndEachFormOfAReadApart,
    FindsItsPlacesWhereTheLimitIsFull,
    TakesAllPlacesOrNone,
    CallsOfOneRequestComeInOrder,
    TheWindowSlides,
    WhatWasNotCarriedOutIsGivenBack,
    ARefusedFormSaysNothingAboutTheOthers,
    CallsInFlightAreCountedUntilTheyEnd,
    TellsTheFullestFirst
);

}  // namespace sluice::policy_engine
