#include "services/ingress/adapters/redis_tool_calls.h"

#include "services/ingress/limits.h"
#include "services/ingress/testing/ingress_fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

const std::string kChain(32, 'a');
const Owner kOwner{"default", "key:user"};

TEST(RedisToolCalls, KeepsHashedKeysForADay) {
  IngressFixture fixture;
  ASSERT_THAT(
      fixture.run(fixture.tool_calls.remember(kOwner, {"c1"}, {ChainId(kChain), 1})), IsOk()
  );

  const auto keys = fixture.redis.keys();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_TRUE(keys[0].starts_with("sluice:ingress:tool_call:")) << keys[0];
  fixture.clock.advance(kToolCallKeptFor + std::chrono::seconds(1));

  EXPECT_FALSE(fixture.run(fixture.tool_calls.find(kOwner, {"c1"})).value()[0].has_value());
}

TEST(RedisToolCalls, ReadsOnlyWhatItWrites) {
  EXPECT_EQ(chain_point_of(kChain + " 12"), (ChainPoint{ChainId(kChain), 12}));
  for (const std::string& bad :
       {std::string(), kChain, kChain + " ", kChain + " x", kChain + " 1x", "a 1" + kChain}) {
    EXPECT_EQ(chain_point_of(bad), std::nullopt) << bad;
  }
}

TEST(RedisToolCalls, FindsEachIdInItsPlace) {
  IngressFixture fixture;
  ASSERT_THAT(
      fixture.run(fixture.tool_calls.remember(kOwner, {"c1", "c3"}, {ChainId(kChain), 4})), IsOk()
  );

  const auto found = fixture.run(fixture.tool_calls.find(kOwner, {"c1", "c2", "c3"}));

  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found.value().size(), 3U);
  EXPECT_EQ(found.value()[0], (ChainPoint{ChainId(kChain), 4}));
  EXPECT_FALSE(found.value()[1].has_value());
  EXPECT_EQ(found.value()[2], (ChainPoint{ChainId(kChain), 4}));
}

TEST(RedisToolCalls, AClaimKeepsWhatIsThere) {
  IngressFixture fixture;
  const ChainPoint first{ChainId(kChain), 4};
  const ChainPoint second{ChainId(std::string(32, 'b')), 1};

  EXPECT_EQ(fixture.run(fixture.tool_calls.claim(kOwner, "c1", first)).value(), first);
  EXPECT_EQ(fixture.run(fixture.tool_calls.claim(kOwner, "c1", second)).value(), first);

  fixture.clock.advance(kToolCallKeptFor + std::chrono::seconds(1));
  EXPECT_EQ(fixture.run(fixture.tool_calls.claim(kOwner, "c1", second)).value(), second);
}

TEST(RedisToolCalls, IsUnavailableWhileRedisIsDown) {
  IngressFixture fixture;
  fixture.redis.set_down(true);

  EXPECT_THAT(fixture.run(fixture.tool_calls.find(kOwner, {"c1"})), HasCode(Code::Unavailable));
  EXPECT_THAT(
      fixture.run(fixture.tool_calls.remember(kOwner, {"c1"}, {ChainId(kChain), 4})),
      HasCode(Code::Unavailable)
  );
  EXPECT_THAT(
      fixture.run(fixture.tool_calls.find_chain(kOwner, ChainId(kChain))),
      HasCode(Code::Unavailable)
  );
}

}  // namespace
}  // namespace sluice::ingress
