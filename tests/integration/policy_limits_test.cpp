// Limits against a real Redis, under the user and the keys policy-engine is limited to: the
// contract of the counters, and a crowd of replicas whose every step a model outside of Redis
// checks.
#include "services/policy-engine/adapters/redis_call_counters.h"
#include "services/policy-engine/testing/call_counters_contract.h"
#include "tests/integration/redis_rig.h"
#include "tests/support/redis_server.h"

#include "common/async/parallel.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sluice::policy_engine {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using Kind = ReservationEnd::Kind;

std::unique_ptr<tests::RedisServer> started_server() {
  auto server = tests::RedisServer::start(
      {.acl = "user default on nopass ~* &* +@all\n"
              "user policy-engine on >password ~sluice:policy:* resetchannels +@all -@admin "
              "-@dangerous +info\n"}
  );
  SLUICE_CHECK(server.ok(), "redis-server is installed");
  return std::move(server).value();
}

redis::Options as_policy(std::uint16_t port) {
  redis::Options options;
  options.port = port;
  options.user = "policy-engine";
  options.password = Secret<std::string>("password");
  return options;
}

// On a loaded machine a hundred scripts at once take their time.
redis::Options patient(std::uint16_t port) {
  redis::Options options = as_policy(port);
  options.command_timeout = 5s;
  return options;
}

class RealRig {
 public:
  CallCounters& counters() { return counters_; }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(rig_.loop(), std::move(operation));
  }

  void pass(std::chrono::milliseconds time) { rig_.pass(time + 2ms); }

 private:
  std::unique_ptr<tests::RedisServer> server_ = started_server();
  redis::RedisRig rig_{as_policy(server_->port())};
  RedisCallCounters counters_{&rig_.client()};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, CallCountersContract, RealRig);

// --- a crowd ----------------------------------------------------------------------------------

// What must hold of a limit whose window does not end during the test, whatever the order in which
// Redis carried the steps out: recounts from the answers alone.
class Oracle {
 public:
  // unseen: how many steps may be under way, of which Redis knows more than the answers tell.
  explicit Oracle(std::size_t limit, std::size_t unseen = 0) : limit_(limit), unseen_(unseen) {}

  void reserved(const std::string& call, Kind kind) {
    if (kind == Kind::Over) {
      ++refused_;
    } else {
      holders_.insert(call);
      most_ = std::max(most_, holders_.size());
    }
  }

  // The call is counted no more from before the answer on.
  void giving_back(const std::string& call) { holders_.erase(call); }

  [[nodiscard]] std::size_t holders() const { return holders_.size(); }

  // What is wrong; "": nothing.
  [[nodiscard]] std::string verdict() const {
    if (most_ > limit_) {
      return std::to_string(most_) + " calls held a limit of " + std::to_string(limit_);
    }
    return refused_ > 0 && most_ + unseen_ < limit_ ? "calls were refused while there was room"
                                                    : "";
  }

 private:
  std::size_t limit_;
  std::size_t unseen_;
  std::size_t most_ = 0;
  std::size_t refused_ = 0;
  std::set<std::string> holders_;
};

// Looks and then adds, in two steps: what the oracle has to catch.
class PlantedCounters final : public CallCounters {
 public:
  explicit PlantedCounters(redis::Client* redis) : redis_(redis) {}

  Async<std::vector<ReservationEnd>> reserve(std::vector<Reservation> calls) override {
    const LimitCounter& counter = calls.front().counters.front();
    const std::string key = "sluice:policy:planted:" + counter.key;
    SLUICE_CO_TRY(const redis::Reply taken, co_await redis_->command({"ZCARD", key}));
    ReservationEnd end;
    if (taken.integer_or(0) < counter.limit->calls) {
      SLUICE_CO_TRY(
          [[maybe_unused]] const redis::Reply added,
          co_await redis_->command({"ZADD", key, "1", calls.front().grant_id})
      );
      end.kind = Kind::Taken;
    }
    co_return std::vector<ReservationEnd>{end};
  }

  Async<void> settle(connector::v1::CallEnded) override { co_return Result<void>(); }

  Async<policy::v1::LimitState> state(Limit) override { co_return policy::v1::LimitState(); }

 private:
  redis::Client* redis_;
};

constexpr std::size_t kReplicas = 4;
constexpr std::size_t kAttempts = 1'000;
constexpr std::size_t kAttemptsAtOnce = 250;  // more than the limit: a look shows all of them room
constexpr std::uint32_t kLimit = 100;

// Several replicas with a connection each, on one loop: their commands meet at Redis in any order.
class Crowd : public ::testing::Test {
 protected:
  Crowd() {
    for (std::size_t i = 0; i < kReplicas; ++i) {
      auto client = sluice::testing::run_sync(
          loop_, redis::connect(loop_.get_executor(), &clock_, &log_, patient(server_->port()))
      );
      SLUICE_CHECK(client.ok(), "a client connects in the background");
      clients_.push_back(std::move(client).value());
      counters_.push_back(std::make_unique<RedisCallCounters>(clients_.back().get()));
    }
  }

  ~Crowd() override {
    counters_.clear();
    clients_.clear();
    loop_.restart();
    loop_.run();
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(loop_, std::move(operation));
  }

  static Async<void> attempt(CallCounters* counters, Reservation call, Oracle* oracle) {
    std::vector<Reservation> calls{call};
    SLUICE_CO_TRY(const auto ends, co_await counters->reserve(std::move(calls)));
    oracle->reserved(call.grant_id, ends.front().kind);
    co_return Result<void>();
  }

  // Dealt out over the replicas, kAttemptsAtOnce at a time.
  void press(const std::vector<CallCounters*>& replicas, const Limit& limit, Oracle* oracle) {
    std::vector<Async<void>> tasks;
    for (std::size_t i = 0; i < kAttempts; ++i) {
      tasks.push_back(attempt(
          replicas[i % replicas.size()],
          call_named("c" + std::to_string(i), {counter_of(limit)}),
          oracle
      ));
    }
    ASSERT_THAT(run(async::run_parallel(kAttemptsAtOnce, std::move(tasks))), IsOk());
  }

  std::vector<CallCounters*> replicas() {
    std::vector<CallCounters*> all;
    for (const auto& one : counters_) {
      all.push_back(one.get());
    }
    return all;
  }

  // Attempts, repeats by another replica, and ends of calls, one after the other: drawn anew from
  // seed each time.
  Async<void> live(std::uint64_t seed, const Limit* limit, Oracle* oracle) {
    std::mt19937_64 random(seed);
    std::vector<Reservation> held;
    for (int step = 0; step < 150; ++step) {
      CallCounters* const replica = counters_[random() % kReplicas].get();
      const std::uint64_t dice = random() % 10;
      if (dice < 2 && !held.empty()) {
        const Reservation call = held.back();
        held.pop_back();
        oracle->giving_back(call.grant_id);
        SLUICE_CO_CHECK_OK(
            co_await replica->settle(end_of(call, connector::v1::OUTCOME_FAILED, GrantUsed::Yes))
        );
        continue;
      }
      const bool repeats = dice < 5 && !held.empty();
      Reservation call = repeats ? held[random() % held.size()]
                                 : call_named(
                                       "s" + std::to_string(seed) + "." + std::to_string(step),
                                       {counter_of(*limit)}
                                   );
      std::vector<Reservation> calls{call};
      SLUICE_CO_TRY(const auto ends, co_await replica->reserve(std::move(calls)));
      if (repeats) {
        EXPECT_EQ(ends.front().kind, Kind::Found);
      } else {
        oracle->reserved(call.grant_id, ends.front().kind);
      }
      if (!repeats && ends.front().kind == Kind::Taken) {
        if (random() % 2 == 0) {
          held.push_back(call);
        } else {
          SLUICE_CO_CHECK_OK(co_await replica->settle(end_of(call, connector::v1::OUTCOME_DONE)));
        }
      }
    }
    co_return Result<void>();
  }

  std::unique_ptr<tests::RedisServer> server_ = started_server();
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;
  std::vector<std::unique_ptr<redis::Client>> clients_;
  std::vector<std::unique_ptr<RedisCallCounters>> counters_;
};

TEST_F(Crowd, ExactlyTheLimitPasses) {
  const Limit limit = limit_of("crowd", kLimit, 600'000);
  Oracle oracle(kLimit);

  press(replicas(), limit, &oracle);
  press(replicas(), limit, &oracle);  // again, the same calls

  EXPECT_EQ(oracle.verdict(), "");
  EXPECT_EQ(oracle.holders(), kLimit);
  const auto state = run(counters_.front()->state(limit));
  ASSERT_THAT(state, IsOk());
  ASSERT_EQ(state.value().counters_size(), 1);
  EXPECT_EQ(state.value().counters(0).taken(), kLimit);
}

TEST_F(Crowd, TheOracleCatchesALookThatIsNoReservation) {
  const Limit limit = limit_of("planted", kLimit, 600'000);
  std::vector<std::unique_ptr<PlantedCounters>> planted;
  std::vector<CallCounters*> all;
  for (const auto& client : clients_) {
    planted.push_back(std::make_unique<PlantedCounters>(client.get()));
    all.push_back(planted.back().get());
  }
  Oracle oracle(kLimit);

  press(all, limit, &oracle);

  EXPECT_NE(oracle.verdict(), "");
}

TEST_F(Crowd, RepeatsAndEndsInAnyOrderNeverPassTheLimit) {
  const Limit limit = limit_of("lives", 60, 600'000, 60);
  constexpr std::size_t kLives = 8;
  Oracle oracle(60, kLives);
  std::vector<Async<void>> tasks;
  for (std::uint64_t seed = 1; seed <= kLives; ++seed) {
    tasks.push_back(live(seed, &limit, &oracle));
  }

  ASSERT_THAT(run(async::run_parallel(kLives, std::move(tasks))), IsOk());

  EXPECT_EQ(oracle.verdict(), "");
  const auto state = run(counters_.front()->state(limit));
  ASSERT_THAT(state, IsOk());
  ASSERT_EQ(state.value().counters_size(), 1);
  EXPECT_EQ(state.value().counters(0).taken(), oracle.holders());
}

TEST_F(Crowd, EveryKeyHasATtlAndIsOfThisService) {
  const Limit limit = limit_of("ttl", 5, 60'000, 5);
  ASSERT_THAT(run(counters_.front()->reserve({call_named("1", {counter_of(limit)})})), IsOk());

  redis::RedisRig everybody({.port = server_->port()});
  const auto keys = everybody.run({"KEYS", "*"});

  ASSERT_THAT(keys, IsOk());
  const auto& names = std::get<std::vector<redis::Reply>>(keys.value().value);
  EXPECT_EQ(names.size(), 4U);
  for (const redis::Reply& name : names) {
    const std::string key = name.text().value_or("");
    EXPECT_TRUE(key.starts_with("sluice:policy:limit:")) << key;
    const auto ttl = everybody.run({"PTTL", key});
    ASSERT_THAT(ttl, IsOk());
    EXPECT_GT(ttl.value().integer_or(-1), 0) << key;
  }
}

TEST_F(Crowd, WhatRedisForgetsStartsAnewAndWithoutItNothingIsCounted) {
  const Limit limit = limit_of("anew", 1, 600'000);
  const auto first = call_named("1", {counter_of(limit)});
  const auto second = call_named("2", {counter_of(limit)});
  CallCounters& counters = *counters_.front();
  ASSERT_EQ(run(counters.reserve({first})).value().front().kind, Kind::Taken);
  ASSERT_EQ(run(counters.reserve({second})).value().front().kind, Kind::Over);

  ASSERT_THAT(server_->stop(SIGKILL), IsOk());
  const auto down = run(counters.reserve({second}));
  ASSERT_THAT(server_->start_again(), IsOk());
  auto again = run(counters.reserve({second}));
  for (int tries = 0; tries < 50 && !again.ok(); ++tries) {
    ASSERT_THAT(run(async::sleep_for(&clock_, 100ms)), IsOk());
    again = run(counters.reserve({second}));
  }

  EXPECT_THAT(down, HasCode(Code::Unavailable));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again.value().front().kind, Kind::Taken);
  EXPECT_EQ(run(counters.reserve({first})).value().front().kind, Kind::Over);
}

}  // namespace
}  // namespace sluice::policy_engine
