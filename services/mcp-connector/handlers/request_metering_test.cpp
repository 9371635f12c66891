// How the ends of metered calls are told: exactly where policy-engine may count a call no more.
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using connector::v1::CallEnded;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kArguments = R"({"path":"/a"})";

class Metering : public ::testing::Test {
 protected:
  policy::v1::Grant metered(policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_WRITE) {
    policy::v1::Grant grant = fixture.grant_for(
        effect == policy::v1::EFFECT_CLASS_READ ? "read_file" : "write_file", kArguments, effect
    );
    grant.set_metered(true);
    return grant;
  }

  Result<connector::v1::Final> send(
      const policy::v1::Grant& grant, const std::string& arguments = kArguments
  ) {
    return fixture.send(fixture.request_with(grant, arguments));
  }

  // A grant with the same id that was signed later.
  static policy::v1::Grant signed_later(policy::v1::Grant grant) {
    grant.set_not_after_unix_ms(grant.not_after_unix_ms() + 1);
    return grant;
  }

  // The only one told.
  CallEnded told() {
    EXPECT_EQ(fixture.call_ends.ends.size(), 1U);
    return fixture.call_ends.ends.empty() ? CallEnded() : fixture.call_ends.ends.front();
  }

  void lose_connection() {
    fixture.server.end();
    fixture.loop.settle();
  }

  ConnectorFixture fixture;
};

TEST_F(Metering, TellsTheEndOfAMeteredCall) {
  fixture.start();
  const auto grant = metered();

  ASSERT_THAT(send(grant), IsOk());

  const CallEnded end = told();
  EXPECT_EQ(end.grant_id(), grant.grant_id());
  EXPECT_EQ(end.not_after_unix_ms(), grant.not_after_unix_ms());
  EXPECT_EQ(end.outcome(), connector::v1::OUTCOME_DONE);
  EXPECT_TRUE(end.used());
}

TEST_F(Metering, SaysNothingOfOtherCalls) {
  fixture.start();

  ASSERT_THAT(fixture.send(fixture.write_request()), IsOk());
  ASSERT_THAT(fixture.send(fixture.read_request()), IsOk());

  EXPECT_TRUE(fixture.call_ends.ends.empty());
}

TEST_F(Metering, ACallThatIsRefusedIsToldOnceItsGrantIsOfNoMoreUse) {
  for (const auto effect : {policy::v1::EFFECT_CLASS_WRITE, policy::v1::EFFECT_CLASS_READ}) {
    fixture.call_ends.ends.clear();
    if (effect == policy::v1::EFFECT_CLASS_WRITE) {
      fixture.start();
    }
    policy::v1::Grant grant = metered(effect);
    grant.set_definition_hash(std::string(32, 'x'));

    EXPECT_THAT(send(grant), HasCode(Code::Conflict));
    EXPECT_THAT(send(grant), HasCode(Code::Conflict));

    const CallEnded end = told();
    EXPECT_EQ(end.outcome(), connector::v1::OUTCOME_FAILED);
    EXPECT_FALSE(end.used());
  }
}

TEST_F(Metering, ARefusedFormIsNotUsedAfterwardsAndAnotherOneIs) {
  fixture.start();
  policy::v1::Grant grant = metered();
  policy::v1::Grant refused = grant;
  refused.set_definition_hash(std::string(32, 'x'));
  EXPECT_THAT(send(refused), HasCode(Code::Conflict));

  EXPECT_THAT(send(grant), HasCode(Code::Conflict));  // the form is the id with its end
  EXPECT_TRUE(fixture.recording.commits().empty());
  ASSERT_THAT(send(signed_later(grant)), IsOk());

  ASSERT_EQ(fixture.call_ends.ends.size(), 2U);
  EXPECT_FALSE(fixture.call_ends.ends[0].used());
  EXPECT_TRUE(fixture.call_ends.ends[1].used());
  EXPECT_EQ(fixture.call_ends.ends[1].outcome(), connector::v1::OUTCOME_DONE);
}

TEST_F(Metering, NobodyElsesRequestTakesAGrantOutOfUse) {
  fixture.start();
  const auto grant = metered();

  EXPECT_THAT(send(grant, R"({"path":"/other"})"), HasCode(Code::Denied));
  auto request = fixture.request_with(grant, kArguments);
  auto context = fixture.context();
  context.caller_token = "";
  EXPECT_THAT(
      fixture.loop.finish((*fixture.handler)(request, &fixture.writer, context)),
      HasCode(Code::Unauthenticated)
  );

  EXPECT_TRUE(fixture.call_ends.ends.empty());
  EXPECT_THAT(send(grant), IsOk());
}

TEST_F(Metering, AUsedGrantThatComesAgainIsNotToldAsRefused) {
  fixture.start();
  for (const auto effect : {policy::v1::EFFECT_CLASS_WRITE, policy::v1::EFFECT_CLASS_READ}) {
    fixture.call_ends.ends.clear();
    const auto grant = metered(effect);
    ASSERT_THAT(send(grant), IsOk());

    EXPECT_THAT(send(grant), HasCode(Code::Conflict));
    policy::v1::Grant spoilt = grant;
    spoilt.set_definition_hash(std::string(32, 'x'));
    EXPECT_THAT(send(spoilt), HasCode(Code::Conflict));

    EXPECT_EQ(told().outcome(), connector::v1::OUTCOME_DONE);
  }
}

// The trail refuses it: policy-engine is told that this form had no use of the grant.
TEST_F(Metering, ALaterFormOfAUsedGrantIsToldAsUnused) {
  fixture.start();
  const auto grant = metered();
  ASSERT_THAT(send(grant), IsOk());

  audit::v1::CommitReply used;
  used.set_used_by_event_id("0198c1b8-0000-7000-8000-000000000001");
  fixture.recording.push_commit_reply(used);
  EXPECT_THAT(send(signed_later(grant)), HasCode(Code::Conflict));

  ASSERT_EQ(fixture.call_ends.ends.size(), 2U);
  EXPECT_EQ(fixture.call_ends.ends[1].outcome(), connector::v1::OUTCOME_FAILED);
  EXPECT_FALSE(fixture.call_ends.ends[1].used());
}

TEST_F(Metering, WithoutRedisAMeteredWriteIsNotSent) {
  fixture.start();
  fixture.nonces.set_down(true);

  EXPECT_THAT(send(metered()), HasCode(Code::Unavailable));
  ASSERT_THAT(fixture.send(fixture.write_request()), IsOk());

  EXPECT_EQ(fixture.recording.commits().size(), 1U);
  EXPECT_TRUE(fixture.call_ends.ends.empty());
}

TEST_F(Metering, ACallWhoseServerIsNotConnectedIsGivenBack) {
  fixture.start();
  const auto grant = metered();
  lose_connection();

  EXPECT_THAT(send(grant), HasCode(Code::Unavailable));

  EXPECT_EQ(told().outcome(), connector::v1::OUTCOME_FAILED);
}

}  // namespace
}  // namespace sluice::mcp_connector
