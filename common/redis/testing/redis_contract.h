// What every Client does, whoever answers: the fake in unit tests, redis-server in integration
// tests. A test binary includes this once and instantiates RedisContract with a factory.
#pragma once

#include "common/redis/client.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::redis {

// Deletes the key when it holds the value; refuses otherwise.
inline constexpr const char* kReleaseScript =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end\n"
    "return redis.error_reply('TAKEN by another')";

class Backend {
 public:
  virtual ~Backend() = default;
  virtual boost::asio::io_context& loop() = 0;
  virtual Client& client() = 0;
  // Lets that much time pass for the server.
  virtual void pass(std::chrono::milliseconds time) = 0;
};

using MakeBackend = std::function<std::unique_ptr<Backend>()>;

class RedisContract : public ::testing::TestWithParam<MakeBackend> {
 protected:
  void SetUp() override { backend_ = GetParam()(); }

  Result<Reply> run(std::vector<std::string> words) {
    return sluice::testing::run_sync(
        backend_->loop(), backend_->client().command(std::move(words))
    );
  }

  Result<Reply> script(
      std::string source, std::vector<std::string> keys, std::vector<std::string> arguments
  ) {
    return sluice::testing::run_sync(
        backend_->loop(),
        backend_->client().script(std::move(source), std::move(keys), std::move(arguments))
    );
  }

  std::string text(std::vector<std::string> words) {
    const auto reply = run(std::move(words));
    EXPECT_THAT(reply, sluice::testing::IsOk());
    return reply.ok() ? reply.value().text().value_or("(no text)") : "(error)";
  }

  std::int64_t integer(std::vector<std::string> words) {
    const auto reply = run(std::move(words));
    EXPECT_THAT(reply, sluice::testing::IsOk());
    return reply.ok() ? reply.value().integer_or(-1000) : -2000;
  }

  void pass(std::chrono::milliseconds time) { backend_->pass(time); }

 private:
  std::unique_ptr<Backend> backend_;
};

TEST_P(RedisContract, AnswersPing) {
  EXPECT_EQ(text({"PING"}), "PONG");
}

TEST_P(RedisContract, KeepsBytesAsTheyAre) {
  const std::string bytes("a\r\n\0\xFFz", 6);

  EXPECT_EQ(text({"SET", "sluice:t:bytes", bytes, "EX", "60"}), "OK");
  EXPECT_EQ(text({"GET", "sluice:t:bytes"}), bytes);
  EXPECT_EQ(text({"SET", "sluice:t:bytes", "", "EX", "60"}), "OK");
  EXPECT_EQ(text({"GET", "sluice:t:bytes"}), "");
}

TEST_P(RedisContract, AbsentKeysAreNil) {
  const auto reply = run({"GET", "sluice:t:absent"});

  ASSERT_THAT(reply, sluice::testing::IsOk());
  EXPECT_TRUE(reply.value().is_nil());
  EXPECT_EQ(integer({"PTTL", "sluice:t:absent"}), -2);
}

TEST_P(RedisContract, SetNxSetsOnce) {
  EXPECT_EQ(text({"SET", "sluice:t:once", "a", "NX", "PX", "60000"}), "OK");
  const auto again = run({"SET", "sluice:t:once", "b", "NX", "PX", "60000"});

  ASSERT_THAT(again, sluice::testing::IsOk());
  EXPECT_TRUE(again.value().is_nil());
  EXPECT_EQ(text({"GET", "sluice:t:once"}), "a");
}

TEST_P(RedisContract, SetXxNeedsTheKey) {
  const auto absent = run({"SET", "sluice:t:xx", "a", "XX", "EX", "60"});

  ASSERT_THAT(absent, sluice::testing::IsOk());
  EXPECT_TRUE(absent.value().is_nil());
}

TEST_P(RedisContract, KeysExpire) {
  EXPECT_EQ(text({"SET", "sluice:t:short", "a", "PX", "40"}), "OK");
  const std::int64_t left = integer({"PTTL", "sluice:t:short"});
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 40);

  pass(std::chrono::milliseconds(60));

  EXPECT_EQ(integer({"EXISTS", "sluice:t:short"}), 0);
}

TEST_P(RedisContract, ExpireSetsALife) {
  EXPECT_EQ(text({"SET", "sluice:t:life", "a"}), "OK");
  EXPECT_EQ(integer({"PTTL", "sluice:t:life"}), -1);
  EXPECT_EQ(integer({"EXPIRE", "sluice:t:life", "100"}), 1);
  EXPECT_EQ(integer({"TTL", "sluice:t:life"}), 100);
  EXPECT_EQ(integer({"PEXPIRE", "sluice:t:life", "5000"}), 1);
  EXPECT_EQ(integer({"EXPIRE", "sluice:t:none", "100"}), 0);
}

TEST_P(RedisContract, CountsUp) {
  EXPECT_EQ(integer({"INCR", "sluice:t:count"}), 1);
  EXPECT_EQ(integer({"INCRBY", "sluice:t:count", "5"}), 6);
  EXPECT_EQ(text({"GET", "sluice:t:count"}), "6");
}

TEST_P(RedisContract, HashesHoldFields) {
  EXPECT_EQ(integer({"HSET", "sluice:t:hash", "a", "1", "b", "2"}), 2);
  EXPECT_EQ(integer({"HSET", "sluice:t:hash", "a", "3"}), 0);
  EXPECT_EQ(text({"HGET", "sluice:t:hash", "a"}), "3");
  const auto all = run({"HGETALL", "sluice:t:hash"});

  ASSERT_THAT(all, sluice::testing::IsOk());
  std::vector<std::string> items;
  for (const Reply& item : std::get<std::vector<Reply>>(all.value().value)) {
    items.push_back(item.text().value_or(""));
  }
  EXPECT_THAT(items, ::testing::ElementsAre("a", "3", "b", "2"));
  EXPECT_EQ(integer({"HDEL", "sluice:t:hash", "a", "b"}), 2);
  EXPECT_EQ(integer({"EXISTS", "sluice:t:hash"}), 0);
}

TEST_P(RedisContract, SetsHoldMembers) {
  EXPECT_EQ(integer({"SADD", "sluice:t:set", "a", "b", "a"}), 2);
  EXPECT_EQ(integer({"SREM", "sluice:t:set", "a"}), 1);
  const auto all = run({"SMEMBERS", "sluice:t:set"});

  ASSERT_THAT(all, sluice::testing::IsOk());
  EXPECT_EQ(std::get<std::vector<Reply>>(all.value().value).size(), 1U);
}

TEST_P(RedisContract, MgetAnswersInOrder) {
  EXPECT_EQ(text({"SET", "sluice:t:one", "1", "EX", "60"}), "OK");
  const auto reply = run({"MGET", "sluice:t:zero", "sluice:t:one"});

  ASSERT_THAT(reply, sluice::testing::IsOk());
  const auto& items = std::get<std::vector<Reply>>(reply.value().value);
  ASSERT_EQ(items.size(), 2U);
  EXPECT_TRUE(items[0].is_nil());
  EXPECT_EQ(items[1].text(), "1");
}

TEST_P(RedisContract, DeletesKeys) {
  EXPECT_EQ(text({"SET", "sluice:t:gone", "1", "EX", "60"}), "OK");
  EXPECT_EQ(integer({"DEL", "sluice:t:gone", "sluice:t:never"}), 1);
}

TEST_P(RedisContract, TellsTheTime) {
  const auto reply = run({"TIME"});

  ASSERT_THAT(reply, sluice::testing::IsOk());
  EXPECT_EQ(std::get<std::vector<Reply>>(reply.value().value).size(), 2U);
}

TEST_P(RedisContract, ScriptsRunAndRefuse) {
  EXPECT_EQ(text({"SET", "sluice:t:lease", "me", "EX", "60"}), "OK");

  const auto refused = script(kReleaseScript, {"sluice:t:lease"}, {"you"});
  const auto released = script(kReleaseScript, {"sluice:t:lease"}, {"me"});

  ASSERT_THAT(refused, sluice::testing::HasCode(Code::Conflict));
  EXPECT_EQ(refused.error().message(), "TAKEN by another");
  ASSERT_THAT(released, sluice::testing::IsOk());
  EXPECT_EQ(released.value().integer_or(0), 1);
}

TEST_P(RedisContract, MisuseIsInternal) {
  EXPECT_THAT(run({"NOSUCHCOMMAND"}), sluice::testing::HasCode(Code::Internal));
  EXPECT_THAT(run({"GET"}), sluice::testing::HasCode(Code::Internal));
  EXPECT_EQ(text({"SET", "sluice:t:text", "x", "EX", "60"}), "OK");
  EXPECT_THAT(run({"HGET", "sluice:t:text", "a"}), sluice::testing::HasCode(Code::Internal));
  EXPECT_THAT(run({"INCR", "sluice:t:text"}), sluice::testing::HasCode(Code::Internal));
}

}  // namespace sluice::redis
