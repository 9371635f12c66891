#include "services/ingress/domain/chain.h"

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

TEST(ChainHeader, TakesThirtyTwoLowerCaseHexDigitsOnly) {
  http::Headers good;
  good.add("x-sluice-chain", kChain);
  EXPECT_EQ(chain_header(good).value()->str(), kChain);
  EXPECT_FALSE(chain_header({}).value().has_value());
  for (const std::string& value :
       {std::string(), std::string(31, 'a'), std::string(32, 'A'), std::string(32, 'g')}) {
    http::Headers headers;
    headers.add("x-sluice-chain", value);
    EXPECT_THAT(chain_header(headers), HasCode(Code::Invalid)) << value;
  }
  good.add("x-sluice-chain", kChain);
  EXPECT_THAT(chain_header(good), HasCode(Code::Invalid));
}

TEST(ChainIds, AreRandomOrFollowFromTheCall) {
  EXPECT_NE(new_chain(), new_chain());
  EXPECT_EQ(new_chain().str().size(), 32U);
  EXPECT_EQ(derived_chain(kOwner, "c1"), derived_chain(kOwner, "c1"));
  EXPECT_NE(derived_chain(kOwner, "c1"), derived_chain({"default", "key:other"}, "c1"));
  EXPECT_NE(derived_chain({"a", "bc"}, "d"), derived_chain({"ab", "c"}, "d"));
}

TEST(ToolCallIds, KeepsTheNewestOfVeryMany) {
  std::string messages = "[";
  for (std::size_t i = 0; i < kToolCallIdsMax + 5; ++i) {
    messages += R"({"role":"tool","tool_call_id":"c)" + std::to_string(i) + "\"},";
  }
  messages.back() = ']';

  const auto ids = tool_call_ids_of(messages);

  ASSERT_THAT(ids, IsOk());
  ASSERT_EQ(ids.value().size(), kToolCallIdsMax);
  EXPECT_EQ(ids.value().front(), "c5");
}

TEST(ChainFinder, BeginsANewChainWithoutAskingAnybody) {
  IngressFixture fixture;
  fixture.redis.set_down(true);
  fixture.journal.set_down(true);

  const auto point = fixture.run(fixture.chains.find(kOwner, std::nullopt, {}, fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value().hop, 0U);
  EXPECT_EQ(point.value().chain.str().size(), 32U);
}

TEST(ChainFinder, ContinuesTheChainOfAnIdAboveItsHighestHop) {
  IngressFixture fixture;
  ASSERT_THAT(fixture.run(fixture.chains.remember(kOwner, {"c1"}, {ChainId(kChain), 15})), IsOk());
  ASSERT_THAT(fixture.run(fixture.chains.remember(kOwner, {"c2"}, {ChainId(kChain), 31})), IsOk());

  const auto point =
      fixture.run(fixture.chains.find(kOwner, std::nullopt, {"c1", "c2", "new"}, fixture.context())
      );

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value(), (ChainPoint{ChainId(kChain), 32}));
  EXPECT_TRUE(fixture.journal.requests.empty());
}

TEST(ChainFinder, TellsNothingToAnotherPrincipal) {
  IngressFixture fixture;
  ASSERT_THAT(fixture.run(fixture.chains.remember(kOwner, {"c1"}, {ChainId(kChain), 15})), IsOk());

  const auto point = fixture.run(
      fixture.chains.find({"default", "key:other"}, std::nullopt, {"c1"}, fixture.context())
  );

  ASSERT_THAT(point, IsOk());
  EXPECT_NE(point.value().chain.str(), kChain);
}

TEST(ChainFinder, AsksTheTrailWhenRedisForgot) {
  IngressFixture fixture;
  fixture.journal.reply.set_state(audit::v1::JournalReply::STATE_SUGGESTED);
  fixture.journal.reply.set_chain_id(kChain);

  const auto point =
      fixture.run(fixture.chains.find(kOwner, std::nullopt, {"c1"}, fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value().chain.str(), kChain);
  EXPECT_GT(point.value().hop, kHopOfUnknown);
  ASSERT_EQ(fixture.journal.requests.size(), 1U);
  EXPECT_EQ(fixture.journal.requests[0].tool_call_id(), "c1");
  EXPECT_EQ(fixture.journal.requests[0].principal(), "key:user");
}

TEST(ChainFinder, AsksTheTrailWhenRedisIsDown) {
  IngressFixture fixture;
  fixture.redis.set_down(true);
  fixture.journal.reply.set_chain_id(kChain);

  const auto point =
      fixture.run(fixture.chains.find(kOwner, std::nullopt, {"c1"}, fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value().chain.str(), kChain);
  EXPECT_EQ(fixture.log.count("tool-call-lookup-failed"), 1U);
}

TEST(ChainFinder, DerivesTheChainOfAnIdThatNobodyKnows) {
  IngressFixture fixture;

  const auto point =
      fixture.run(fixture.chains.find(kOwner, std::nullopt, {"c1", "c2"}, fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value().chain, derived_chain(kOwner, "c1"));
}

// Two instances, one of which lost Redis, must not carry a call out under two chains: the trail
// may not have the suggestion yet.
TEST(ChainFinder, AnExecutionWithoutRedisNeedsAnIdThatTheTrailKnows) {
  IngressFixture fixture;
  fixture.redis.set_down(true);

  const auto unknown =
      fixture.run(fixture.chains.find_for_execution(kOwner, std::nullopt, "c1", fixture.context()));
  fixture.journal.reply.set_chain_id(kChain);
  const auto known =
      fixture.run(fixture.chains.find_for_execution(kOwner, std::nullopt, "c1", fixture.context()));

  EXPECT_THAT(unknown, HasCode(Code::Unavailable));
  ASSERT_THAT(known, IsOk());
  EXPECT_EQ(known.value().chain.str(), kChain);
}

TEST(ChainFinder, TheFirstExecutionOfAForgottenIdDecidesItsChain) {
  IngressFixture fixture;

  const auto first =
      fixture.run(fixture.chains.find_for_execution(kOwner, std::nullopt, "c1", fixture.context()));
  fixture.journal.reply.set_chain_id(kChain);  // the suggestion arrived in the trail
  const auto second =
      fixture.run(fixture.chains.find_for_execution(kOwner, std::nullopt, "c1", fixture.context()));

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first.value(), (ChainPoint{derived_chain(kOwner, "c1"), 0}));
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second.value(), (ChainPoint{derived_chain(kOwner, "c1"), 1}));
}

TEST(ChainFinder, AnExecutionContinuesTheChainThatIsRemembered) {
  IngressFixture fixture;
  ASSERT_THAT(fixture.run(fixture.chains.remember(kOwner, {"c1"}, {ChainId(kChain), 15})), IsOk());

  const auto point =
      fixture.run(fixture.chains.find_for_execution(kOwner, std::nullopt, "c1", fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value(), (ChainPoint{ChainId(kChain), 16}));
}

TEST(ChainFinder, IsUnavailableWhenStoreAndTrailAreDown) {
  IngressFixture fixture;
  fixture.redis.set_down(true);
  fixture.journal.set_down(true);

  EXPECT_THAT(
      fixture.run(fixture.chains.find(kOwner, std::nullopt, {"c1"}, fixture.context())),
      HasCode(Code::Unavailable)
  );
}

TEST(ChainFinder, ObeysTheHeaderAndContinuesAboveWhatItKnowsOfThatChain) {
  IngressFixture fixture;
  const ChainId named(std::string(32, 'b'));

  const auto unknown = fixture.run(fixture.chains.find(kOwner, named, {}, fixture.context()));
  ASSERT_THAT(fixture.run(fixture.chains.remember_chain(kOwner, {named, 2'000})), IsOk());
  const auto known = fixture.run(fixture.chains.find(kOwner, named, {}, fixture.context()));

  EXPECT_EQ(unknown.value(), (ChainPoint{named, kHopOfUnknown + 1}));
  EXPECT_EQ(known.value(), (ChainPoint{named, 2'001}));
}

TEST(ChainFinder, ObeysTheHeaderEvenWhenRedisIsDown) {
  IngressFixture fixture;
  fixture.redis.set_down(true);

  const auto point =
      fixture.run(fixture.chains.find(kOwner, ChainId(kChain), {"c1"}, fixture.context()));

  ASSERT_THAT(point, IsOk());
  EXPECT_EQ(point.value().chain.str(), kChain);
}

}  // namespace
}  // namespace sluice::ingress
