// Legacy clients that lose the stream of a request and go on with it.
#include "services/ingress/testing/mcp_rig.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using ::testing::HasSubstr;

const std::string kNewest = "2025-11-25";
const std::string kLog =
    R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})";
const std::string kCall = R"({"name":"filesystem-read_file","arguments":{"path":"/a"}})";
const std::string kAnswer = R"("id":2,"result":{"content":[{"type":"text","text":"done"}]})";
constexpr std::chrono::seconds kOneSecond{1};  // more than kMcpResumePoll and kMcpStreamAfter

class McpResumeTest : public McpRig {
 protected:
  McpResumeTest() { session = open_session(R"({"elicitation":{}})", kNewest); }

  // A call that waits for hold, after this was told.
  Post& call_that_waits(std::vector<std::string> told = {kLog}) {
    fixture.servers.hold = &hold;
    fixture.servers.progress = std::move(told);
    return start_in(session, rpc("tools/call", kCall));
  }

  void lose(const Post& post) {
    fixture.tasks.cancel(post.task);
    turn();
  }

  void answer() {
    hold.set({});
    turn();
  }

  [[nodiscard]] std::vector<std::string> keys_of_events() {
    std::vector<std::string> found;
    for (const std::string& key : fixture.redis.keys()) {
      if (key.starts_with("sluice:ingress:mcp_events:")) {
        found.push_back(key);
      }
    }
    return found;
  }

  std::string session;
  async::OneShot<void> hold;
};

TEST_F(McpResumeTest, AnAnswerThatTakesNoTimeIsJsonAndNothingIsKept) {
  const Post& call = start_in(session, rpc("tools/call", kCall));

  EXPECT_TRUE(call.writer.responded());
  EXPECT_THAT(call.writer.body(), HasSubstr(kAnswer));
  EXPECT_TRUE(keys_of_events().empty());
}

TEST_F(McpResumeTest, ACallThatTakesItsTimeBecomesAStreamThatCanBeResumed) {
  const Post& call = call_that_waits({});
  EXPECT_FALSE(call.writer.begun());

  pass(kMcpStreamAfter);

  ASSERT_EQ(call.events().size(), 1U);
  EXPECT_EQ(call.events()[0].data, "");
  EXPECT_TRUE(call.events()[0].id.has_value());
  EXPECT_EQ(call.events()[0].retry_ms, static_cast<int>(kMcpRetry.count()));
  pass(kMcpKeepAlive);
  EXPECT_THAT(call.writer.body(), HasSubstr(": keep-alive"));
  answer();
  ASSERT_EQ(call.events().size(), 2U);
  EXPECT_THAT(call.events()[1].data, HasSubstr(kAnswer));
  EXPECT_TRUE(call.writer.ended());
}

TEST_F(McpResumeTest, AClientIsToldAgainWhatFollowsItsLastEventOfThatStream) {
  const Post& call = call_that_waits();
  ASSERT_EQ(call.events().size(), 2U) << "the first is its id alone";
  const std::string first = *call.events()[0].id;
  const std::string second = *call.events()[1].id;
  EXPECT_NE(first, second);
  lose(call);
  answer();

  const Post& all = listen_in(session, first);
  ASSERT_EQ(all.events().size(), 2U);
  EXPECT_EQ(all.events()[0].data, kLog);
  EXPECT_EQ(all.events()[0].id, second);
  EXPECT_THAT(all.events()[1].data, HasSubstr(kAnswer));
  EXPECT_TRUE(all.writer.ended());

  const Post& rest = listen_in(session, second);
  ASSERT_EQ(rest.events().size(), 1U);
  EXPECT_EQ(rest.events()[0].id, all.events()[1].id);
  const Post& none = listen_in(session, *rest.events()[0].id);
  EXPECT_EQ(none.writer.status(), 200);
  EXPECT_TRUE(none.events().empty());
  EXPECT_TRUE(none.writer.ended());
}

TEST_F(McpResumeTest, AStreamGoesOnUntilItsAnswer) {
  const Post& call = call_that_waits();
  lose(call);
  const Post& resumed = listen_in(session, call.events().at(0).id.value_or(""));
  ASSERT_EQ(resumed.events().size(), 1U);
  pass(kMcpKeepAlive);
  EXPECT_THAT(resumed.writer.body(), HasSubstr(": keep-alive"));
  EXPECT_FALSE(resumed.ended.has_value());

  answer();
  pass(kOneSecond);

  ASSERT_EQ(resumed.events().size(), 2U);
  EXPECT_THAT(resumed.events()[1].data, HasSubstr(kAnswer));
  EXPECT_TRUE(resumed.writer.ended());
}

TEST_F(McpResumeTest, AQuestionWaitsForAClientThatComesBack) {
  fixture.servers.push(asks(R"({"k":{"method":"elicitation/create","params":{"message":"Who?"}}})")
  );
  const Post& call = start_in(session, rpc("tools/call", kCall));
  ASSERT_EQ(call.events().size(), 2U);
  lose(call);
  pass(kMcpKeepAlive * 2);
  const Post& resumed = listen_in(session, *call.events()[0].id);
  ASSERT_EQ(resumed.events().size(), 1U);
  const std::string id = parsed(resumed.events()[0].data).text_or("id", "");

  start_in(session, R"({"jsonrpc":"2.0","id":")" + id + R"(","result":{"action":"decline"}})");
  pass(kOneSecond);

  ASSERT_EQ(fixture.servers.inputs.size(), 1U);
  ASSERT_EQ(resumed.events().size(), 2U);
  EXPECT_THAT(resumed.events()[1].data, HasSubstr(kAnswer));
}

TEST_F(McpResumeTest, AnIdOfAnotherSessionOrOfNothingIsRefused) {
  const Post& call = call_that_waits();
  const std::string id = *call.events().at(0).id;
  const std::string other = open_session("{}", kNewest);

  EXPECT_EQ(listen_in(other, id).writer.status(), 400);
  EXPECT_EQ(listen_in(session, id.substr(0, id.find('-')) + "-9").writer.status(), 400);
  EXPECT_EQ(listen_in(session, "7").writer.status(), 400);
  auto of_another = IngressFixture::request("", "sk-admin");
  of_another.method = "GET";
  of_another.headers.add("Mcp-Session-Id", session);
  of_another.headers.add("Last-Event-ID", id);
  EXPECT_EQ(start(std::move(of_another)).writer.status(), 404);
  answer();
}

TEST_F(McpResumeTest, OlderClientsGetIdsAndNoEventWithoutAMessage) {
  session = open_session("{}", "2025-06-18");
  const Post& call = call_that_waits();
  ASSERT_EQ(call.events().size(), 1U);
  ASSERT_TRUE(call.events()[0].id.has_value());
  lose(call);
  answer();

  const Post& resumed = listen_in(session, *call.events()[0].id);

  ASSERT_EQ(resumed.events().size(), 1U);
  EXPECT_THAT(resumed.events()[0].data, HasSubstr(kAnswer));
}

TEST_F(McpResumeTest, WithoutItsStoreAStreamIsOneWithoutIds) {
  fixture.servers.hold = &hold;
  const Post& call = start_in(session, rpc("tools/call", kCall));
  fixture.redis.set_down(true);

  pass(kMcpStreamAfter);
  EXPECT_FALSE(call.writer.begun());
  answer();

  EXPECT_TRUE(call.writer.responded());
  EXPECT_THAT(call.writer.body(), HasSubstr(kAnswer));
  EXPECT_TRUE(fixture.log.has("mcp-stream-not-resumable"));
}

TEST_F(McpResumeTest, ARequestThatNobodyRunsAnyMoreIsAnsweredWithAnError) {
  const Post& call = call_that_waits();
  lose(call);
  const Post& resumed = listen_in(session, *call.events().at(1).id);

  pass(kMcpEventsLease + kOneSecond);  // nobody renews it here

  ASSERT_EQ(resumed.events().size(), 1U);
  EXPECT_THAT(resumed.events()[0].data, HasSubstr(R"("id":2,"error")"));
  EXPECT_THAT(resumed.events()[0].data, HasSubstr("look into the trail"));
  EXPECT_TRUE(resumed.writer.ended());
  answer();
}

TEST_F(McpResumeTest, AStreamIsKeptAsLongAsItsRequestRunsAndALittleLonger) {
  fixture.tasks.spawn("renewal", fixture.mcp_events.run());
  const Post& call = call_that_waits();
  const std::string id = *call.events().at(0).id;
  lose(call);
  pass(kMcpEventsLease * 3);
  answer();

  EXPECT_EQ(listen_in(session, id).events().size(), 2U);
  pass(kMcpEventsKeptFor - kOneSecond);
  EXPECT_EQ(listen_in(session, id).events().size(), 2U);
  pass(kOneSecond * 2);
  EXPECT_EQ(listen_in(session, id).writer.status(), 400);
  EXPECT_TRUE(keys_of_events().empty());
}

TEST_F(McpResumeTest, OfALongStreamTheNewestEventsAreKept) {
  const Post& call = call_that_waits(std::vector<std::string>(kMcpEventsMax + 2, kLog));
  ASSERT_EQ(call.events().size(), kMcpEventsMax + 3);
  const std::string first = *call.events()[0].id;
  const std::string third = *call.events()[3].id;
  lose(call);
  answer();

  EXPECT_EQ(listen_in(session, first).writer.status(), 400);
  EXPECT_EQ(listen_in(session, third).events().size(), kMcpEventsMax);
}

TEST_F(McpResumeTest, ACancelledRequestEndsItsStreamsWithoutAnAnswer) {
  const Post& call = call_that_waits();
  lose(call);
  const Post& resumed = listen_in(session, *call.events().at(1).id);

  start_in(
      session, R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}})"
  );
  pass(kOneSecond);

  EXPECT_TRUE(resumed.writer.ended());
  EXPECT_TRUE(resumed.events().empty());
  EXPECT_EQ(fixture.mcp_calls.under_way(), 0U);
}

TEST_F(McpResumeTest, ResumedStreamsEndWhenTheGatewayStops) {
  const Post& call = call_that_waits();
  lose(call);
  const Post& resumed = listen_in(session, *call.events().at(1).id);

  fixture.mcp_events.stop();
  pass(kOneSecond);

  EXPECT_TRUE(resumed.writer.ended());
  answer();
}

TEST_F(McpResumeTest, WhoListensAgainIsToldWhatChangedMeanwhile) {
  const Post& stream = listen_in(session);
  ASSERT_EQ(stream.events().size(), 1U);
  EXPECT_EQ(stream.events()[0].data, "");
  const std::string id = stream.events()[0].id.value_or("");
  lose(stream);
  const Post& same = listen_in(session, id);
  ASSERT_EQ(same.events().size(), 1U);
  EXPECT_NE(same.events()[0].id, id);
  lose(same);
  fixture.versions.catalog_changed();
  add_tool(fixture.servers.catalog_reply, "filesystem", "x", R"({"name":"x","inputSchema":{}})");
  show_tool(fixture.policy.shown, "filesystem", "x", policy::v1::EFFECT_CLASS_READ);
  fixture.policy.shown.set_catalog_version(fixture.servers.catalog_reply.version());

  const Post& again = listen_in(session, id);

  ASSERT_EQ(again.events().size(), 2U);
  EXPECT_THAT(again.events()[1].data, HasSubstr("notifications/tools/list_changed"));
  const Post& later = listen_in(session, again.events()[1].id.value_or(""));
  EXPECT_EQ(later.events().size(), 1U) << "it was told";
  fixture.streams.stop();
  turn();
}

}  // namespace
}  // namespace sluice::ingress
