#include "common/redis/refusal.h"
#include "common/redis/script_id.h"
#include "common/redis/settings.h"
#include "common/redis/testing/fake_redis.h"
#include "common/redis/testing/redis_contract.h"
#include "common/testing/manual_clock.h"

namespace sluice::redis {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::ManualClock;
using sluice::testing::run_sync;

class FakeBackend final : public Backend {
 public:
  FakeBackend() {
    redis_.on_script(
        kReleaseScript,
        [](FakeRedis& redis,
           const std::vector<std::string>& keys,
           const std::vector<std::string>& arguments) -> Result<Reply> {
          SLUICE_TRY(const Reply held, redis.call({"GET", keys[0]}));
          if (held.text() == arguments[0]) {
            return redis.call({"DEL", keys[0]});
          }
          return FakeRedis::refuse("TAKEN by another");
        }
    );
  }

  boost::asio::io_context& loop() override { return loop_; }

  Client& client() override { return redis_; }

  void pass(std::chrono::milliseconds time) override { clock_.advance(time); }

 private:
  boost::asio::io_context loop_{1};
  ManualClock clock_;
  FakeRedis redis_{&clock_};
};

INSTANTIATE_TEST_SUITE_P(Fake, RedisContract, ::testing::Values(MakeBackend([] {
                           return std::make_unique<FakeBackend>();
                         })));

TEST(FakeRedis, DownMeansUnavailable) {
  ManualClock clock;
  FakeRedis redis(&clock);
  redis.set_down(true);

  EXPECT_THAT(run_sync(redis.command({"PING"})), HasCode(Code::Unavailable));
  EXPECT_FALSE(redis.connected());
}

TEST(FakeRedis, FailsTheCallAFaultPlanSays) {
  ManualClock clock;
  sluice::testing::FaultPlan faults(2);
  FakeRedis redis(&clock, &faults);

  EXPECT_THAT(run_sync(redis.command({"PING"})), IsOk());
  EXPECT_THAT(run_sync(redis.command({"PING"})), HasCode(Code::Unavailable));
  EXPECT_TRUE(faults.fired());
}

TEST(FakeRedis, UnknownScriptsAreABugOfTheTest) {
  ManualClock clock;
  FakeRedis redis(&clock);

  EXPECT_THAT(run_sync(redis.script("return 1", {}, {})), HasCode(Code::Internal));
}

TEST(FakeRedis, ListsKeysThatLive) {
  ManualClock clock;
  FakeRedis redis(&clock);
  EXPECT_THAT(redis.call({"SET", "a", "1", "PX", "10"}), IsOk());
  EXPECT_THAT(redis.call({"SET", "b", "1"}), IsOk());

  clock.advance(std::chrono::milliseconds(10));

  EXPECT_THAT(redis.keys(), ::testing::ElementsAre("b"));
}

TEST(ScriptId, IsSha1InHex) {
  EXPECT_EQ(script_id(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(script_id("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(
      script_id("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
  );
  EXPECT_EQ(script_id(std::string(1000, 'a')), "291e9a6c66994949b57ba5e650361e98fc36b1ba");
}

TEST(Refusal, EveryWordHasItsCode) {
  EXPECT_EQ(error_of("NOPERM no").code(), Code::Denied);
  EXPECT_EQ(error_of("NOAUTH").code(), Code::Denied);
  EXPECT_EQ(error_of("WRONGPASS x").code(), Code::Denied);
  EXPECT_EQ(error_of("LOADING x").code(), Code::Unavailable);
  EXPECT_EQ(error_of("OOM x").code(), Code::Unavailable);
  EXPECT_EQ(error_of("ERR x").code(), Code::Internal);
  EXPECT_EQ(error_of("WRONGTYPE x").code(), Code::Internal);
  EXPECT_EQ(error_of("FENCED by epoch 7").code(), Code::Conflict);
}

TEST(Settings, HaveDefaultsAndBounds) {
  auto good = config::Document::from_text(R"({"redis": {"port": 7000}})", {});
  ASSERT_THAT(good, IsOk());
  const Options options = read_options(good.value(), "ingress");
  auto bad = config::Document::from_text(R"({"redis": {"port": 0, "prot": 1}})", {});
  ASSERT_THAT(bad, IsOk());
  static_cast<void>(read_options(bad.value(), "ingress"));

  EXPECT_THAT(good.value().finish(), IsOk());
  EXPECT_EQ(options.port, 7000);
  EXPECT_EQ(options.address, "127.0.0.1");
  EXPECT_EQ(options.user, "ingress");
  EXPECT_THAT(bad.value().finish(), HasCode(Code::Invalid));
}

TEST(Reply, AnswersOnlyAsWhatItIs) {
  EXPECT_TRUE(Reply{}.is_nil());
  EXPECT_EQ(Reply{std::int64_t{4}}.integer_or(0), 4);
  EXPECT_EQ(Reply{std::string("4")}.integer_or(0), 0);
  EXPECT_EQ(Reply{std::int64_t{4}}.text(), std::nullopt);
}

}  // namespace
}  // namespace sluice::redis
