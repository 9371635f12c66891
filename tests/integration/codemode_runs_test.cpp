// Documents of runs against a real Redis, under the user and the keys codemode-sandbox is limited
// to.
#include "services/codemode-sandbox/adapters/redis_run_store.h"
#include "services/codemode-sandbox/limits.h"
#include "tests/integration/redis_rig.h"
#include "tests/support/redis_server.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::codemode_sandbox {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using testing::IsOk;
using ::testing::StartsWith;

constexpr std::int64_t kNow = 1'800'000'000'000;

redis::Options as_sandbox(std::uint16_t port) {
  redis::Options options;
  options.port = port;
  options.user = "codemode-sandbox";
  options.password = Secret<std::string>("password");
  options.command_timeout = std::chrono::milliseconds(500);
  return options;
}

class CodemodeRuns : public ::testing::Test {
 protected:
  CodemodeRuns() {
    auto server = tests::RedisServer::start(
        {.acl = "user default on nopass ~* &* +@all\n"
                "user codemode-sandbox on >password ~sluice:codemode:* resetchannels +@all -@admin "
                "-@dangerous +info\n"}
    );
    SLUICE_CHECK(server.ok(), "redis-server is installed");
    server_ = std::move(server).value();
    rig_ = std::make_unique<redis::RedisRig>(as_sandbox(server_->port()));
    store_ = std::make_unique<RedisRunStore>(&rig_->client());
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(rig_->loop(), std::move(operation));
  }

  Result<void> put(
      const std::string& run_id,
      std::int64_t started = kNow,
      const std::string& principal = "key:a",
      const std::string& tenant = "default"
  ) {
    return run(store_->put(
        {.run_id = run_id,
         .tenant = tenant,
         .principal = principal,
         .started_unix_ms = started,
         .summary = "short " + run_id,
         .document = "whole " + run_id}
    ));
  }

  std::vector<std::string> newest(const std::string& principal, std::size_t limit = 10) {
    auto found = run(store_->newest("default", principal, limit));
    EXPECT_THAT(found, IsOk());
    return found.ok() ? std::move(found).value() : std::vector<std::string>();
  }

  std::unique_ptr<tests::RedisServer> server_;
  std::unique_ptr<redis::RedisRig> rig_;
  std::unique_ptr<RedisRunStore> store_;
};

TEST_F(CodemodeRuns, KeepsTheLastThatWasPut) {
  ASSERT_THAT(put("run_1"), IsOk());
  ASSERT_THAT(
      run(store_->put(
          {.run_id = "run_1",
           .tenant = "default",
           .principal = "key:a",
           .started_unix_ms = kNow,
           .summary = "s2",
           .document = std::string(kRunDocumentBytesMax, 'x')}
      )),
      IsOk()
  );

  EXPECT_EQ(run(store_->summary("run_1")).value(), "s2");
  EXPECT_EQ(run(store_->document("run_1")).value()->size(), kRunDocumentBytesMax);
  EXPECT_EQ(run(store_->summary("run_2")).value(), std::nullopt);
  EXPECT_EQ(run(store_->document("run_2")).value(), std::nullopt);
  EXPECT_THAT(newest("key:a"), ElementsAre("s2"));
}

TEST_F(CodemodeRuns, ListsTheNewestOfACallerAndOfATenant) {
  ASSERT_THAT(put("run_1", kNow), IsOk());
  ASSERT_THAT(put("run_3", kNow + 2), IsOk());
  ASSERT_THAT(put("run_2", kNow + 1, "key:b"), IsOk());
  ASSERT_THAT(put("run_4", kNow + 3, "key:a", "other"), IsOk());

  EXPECT_THAT(newest("key:a"), ElementsAre("short run_3", "short run_1"));
  EXPECT_THAT(newest("key:b"), ElementsAre("short run_2"));
  EXPECT_THAT(newest(""), ElementsAre("short run_3", "short run_2", "short run_1"));
  EXPECT_THAT(newest("", 1), ElementsAre("short run_3"));
  EXPECT_THAT(newest("key:nobody"), ElementsAre());
}

TEST_F(CodemodeRuns, AnIndexHoldsABoundedNumber) {
  for (std::size_t i = 0; i < kRunsIndexedMax + 5; ++i) {
    ASSERT_THAT(put("run_" + std::to_string(i), kNow + static_cast<std::int64_t>(i)), IsOk());
  }

  const auto listed = newest("key:a", kRunsIndexedMax + 5);

  EXPECT_EQ(listed.size(), kRunsIndexedMax);
  EXPECT_EQ(listed.back(), "short run_5");
}

TEST_F(CodemodeRuns, AnIndexForgetsWhatIsOlderThanADay) {
  ASSERT_THAT(put("run_1", kNow), IsOk());
  ASSERT_THAT(put("run_2", kNow + std::chrono::milliseconds(kRunKeptFor).count() + 1), IsOk());

  EXPECT_THAT(newest("key:a"), ElementsAre("short run_2"));
}

TEST_F(CodemodeRuns, EveryKeyIsItsOwnAndEnds) {
  ASSERT_THAT(put("run_1"), IsOk());
  redis::RedisRig everybody({.port = server_->port()});

  const auto keys = everybody.run({"KEYS", "*"});

  ASSERT_THAT(keys, IsOk());
  const auto& names = std::get<std::vector<redis::Reply>>(keys.value().value);
  EXPECT_EQ(names.size(), 4U);
  for (const redis::Reply& name : names) {
    EXPECT_THAT(*name.text(), StartsWith("sluice:codemode:"));
    const auto left = everybody.run({"TTL", *name.text()});
    EXPECT_GT(left.value().integer_or(-1), 86'000) << *name.text();
  }
}

TEST_F(CodemodeRuns, WithoutRedisEverythingIsUnavailableAndComesBack) {
  ASSERT_THAT(put("run_1"), IsOk());
  ASSERT_THAT(server_->stop(), IsOk());

  EXPECT_FALSE(put("run_2").ok());
  EXPECT_FALSE(run(store_->summary("run_1")).ok());
  EXPECT_FALSE(run(store_->newest("default", "", 1)).ok());
  ASSERT_THAT(server_->start_again(), IsOk());

  Result<void> back = put("run_3");
  for (int i = 0; i < 50 && !back.ok(); ++i) {
    rig_->pass(std::chrono::milliseconds(100));
    back = put("run_3");
  }
  EXPECT_THAT(back, IsOk());
  EXPECT_THAT(newest("key:a"), ElementsAre("short run_3"));
}

}  // namespace
}  // namespace sluice::codemode_sandbox
