#include "services/mcp-connector/connections/resource_watch.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kSubscribe = "resources/subscribe";
constexpr const char* kListen = "subscriptions/listen";

// A whole replica, because a subscription begins with a granted request and ends in an event.
class ResourceWatchTest : public ::testing::Test {
 protected:
  void start_legacy(const std::string& resources = R"({"subscribe":true})") {
    fixture_.server.on("initialize", [resources](const auto&) {
      return ScriptedServer::Reply{
          .result = R"({"protocolVersion":"2025-11-25","capabilities":{"resources":)" + resources +
                    R"(,"logging":{}},"instructions":"be kind"})",
          .error = {}
      };
    });
    fixture_.server.on("resources/list", [](const auto&) {
      return ScriptedServer::Reply{.result = R"({"resources":[]})", .error = {}};
    });
    fixture_.start();
  }

  void start_modern() {
    fixture_.server.on("server/discover", [](const auto&) {
      return ScriptedServer::Reply{
          .result =
              R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}}})",
          .error = {}
      };
    });
    fixture_.server.on(kListen, [this](const mcp::Message& request) {
      if (acknowledges_) {
        fixture_.server.say(
            R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":)" +
            mcp::to_json(*request.id) + R"(},"notifications":{}}})"
        );
      }
      return std::nullopt;
    });
    fixture_.start();
    fixture_.loop.settle();
  }

  Result<connector::v1::Final> subscribe(const std::string& uri) {
    const std::string params = R"({"uri":")" + uri + R"("})";
    return fixture_.send(fixture_.request_with(fixture_.grant_to_read(kSubscribe, params), params));
  }

  void say_updated(const std::string& uri) {
    fixture_.server.say(
        R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":")" + uri +
        R"("}})"
    );
    fixture_.loop.settle();
  }

  [[nodiscard]] std::size_t told() const { return fixture_.announcer.resources.size(); }

  bool acknowledges_ = true;
  ConnectorFixture fixture_;
};

TEST_F(ResourceWatchTest, ALegacyServerIsAskedOnceAndItsUpdatesAreAnnounced) {
  start_legacy();

  const auto first = subscribe("a://1");
  const auto second = subscribe("a://1");
  say_updated("a://1");
  say_updated("a://other");

  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first.value().result(), "{}");
  EXPECT_EQ(second.value().result(), "{}");
  EXPECT_EQ(fixture_.server.count(kSubscribe), 1U);
  ASSERT_EQ(told(), 1U);
  EXPECT_EQ(fixture_.announcer.resources[0].uri(), "a://1");
  EXPECT_EQ(fixture_.announcer.resources[0].server_id(), fixture_.server_id().str());
}

TEST_F(ResourceWatchTest, UpdatesInQuickSuccessionAreToldOnceMore) {
  start_legacy();
  ASSERT_THAT(subscribe("a://1"), IsOk());

  for (int i = 0; i < 5; ++i) {
    say_updated("a://1");
  }
  EXPECT_EQ(told(), 1U);
  fixture_.loop.advance(kUpdateDebounce);
  EXPECT_EQ(told(), 2U);
  fixture_.loop.advance(seconds(1));
  EXPECT_EQ(told(), 2U);
}

TEST_F(ResourceWatchTest, ASubscriptionEndsTenMinutesAfterTheNewestRequest) {
  start_legacy();
  ASSERT_THAT(subscribe("a://1"), IsOk());
  fixture_.loop.advance(minutes(6));
  ASSERT_THAT(subscribe("a://1"), IsOk());
  fixture_.loop.advance(minutes(6));
  EXPECT_EQ(fixture_.server.count("resources/unsubscribe"), 0U);

  fixture_.loop.advance(minutes(5));

  EXPECT_EQ(fixture_.server.count("resources/unsubscribe"), 1U);
  say_updated("a://1");
  EXPECT_EQ(told(), 0U);
}

TEST_F(ResourceWatchTest, AfterAReconnectTheServerIsAskedAgain) {
  start_legacy();
  ASSERT_THAT(subscribe("a://1"), IsOk());

  fixture_.server.end();
  ASSERT_TRUE(fixture_.loop.advance_until([this] { return fixture_.server.count(kSubscribe) == 2; })
  );

  say_updated("a://1");
  EXPECT_EQ(told(), 1U);
}

TEST_F(ResourceWatchTest, AServerThatRefusesOrDoesNotTellSaysSo) {
  fixture_.server.on(kSubscribe, [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32002,"message":"no"})"};
  });
  start_legacy();

  const auto refused = subscribe("a://1");
  say_updated("a://1");

  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused.value().error(), R"({"code":-32002,"message":"no"})");
  EXPECT_EQ(told(), 0U);
  ConnectorFixture silent;
  silent.start();
  const std::string params = R"({"uri":"a://1"})";
  const auto unknown =
      silent.send(silent.request_with(silent.grant_to_read(kSubscribe, params), params));
  ASSERT_THAT(unknown, IsOk());
  EXPECT_NE(unknown.value().error().find("-32601"), std::string::npos);
}

TEST_F(ResourceWatchTest, AModernServerHasOneStreamForListsAndResources) {
  start_modern();
  ASSERT_EQ(fixture_.server.count(kListen), 1U);
  EXPECT_NE(
      fixture_.server.last(kListen)->params.find(R"("notifications":{"toolsListChanged":true})"),
      std::string::npos
  );

  ASSERT_THAT(subscribe("a://1"), IsOk());
  ASSERT_THAT(subscribe("a://2"), IsOk());
  ASSERT_THAT(subscribe("a://2"), IsOk());
  say_updated("a://2");

  EXPECT_EQ(fixture_.server.count(kListen), 3U);
  EXPECT_NE(
      fixture_.server.last(kListen)->params.find(
          R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":["a://1","a://2"]})"
      ),
      std::string::npos
  );
  EXPECT_EQ(fixture_.server.count("notifications/cancelled"), 2U) << "the streams before it";
  EXPECT_EQ(fixture_.server.count(kSubscribe), 0U);
  EXPECT_EQ(told(), 1U);
}

TEST_F(ResourceWatchTest, AStreamThatEndsIsOpenedAgain) {
  start_modern();

  fixture_.server.leave_unanswered(
      std::get<std::int64_t>(*fixture_.server.last(kListen)->id), Error(Code::Unavailable, "cut")
  );
  fixture_.loop.advance(seconds(2));

  EXPECT_EQ(fixture_.server.count(kListen), 2U);
}

TEST_F(ResourceWatchTest, AModernServerThatDoesNotAcknowledgeHoldsNobodyUpForLong) {
  acknowledges_ = false;
  start_modern();

  const auto before = fixture_.loop.clock.now();
  const auto answer = subscribe("a://1");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().result(), "{}");
  EXPECT_LE(fixture_.loop.clock.now() - before, kListenAckTimeout + milliseconds(100));
}

TEST_F(ResourceWatchTest, AModernServerThatKnowsNoStreamsRefusesAndIsNotAskedAllTheTime) {
  start_modern();
  fixture_.server.on(kListen, [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32601,"message":"no"})"};
  });

  const auto answer = subscribe("a://1");
  fixture_.loop.advance(minutes(1));

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().error(), R"({"code":-32601,"message":"no"})");
  EXPECT_LE(fixture_.server.count(kListen), 4U) << "with it, and without it";
}

TEST_F(ResourceWatchTest, TheCatalogSaysWhatTheServerTells) {
  start_legacy();
  const auto catalog = fixture_.pool->find(fixture_.server_id().str())->snapshot();

  EXPECT_TRUE(catalog.subscriptions());
  EXPECT_TRUE(catalog.logging());
  EXPECT_EQ(catalog.instructions(), "be kind");
}

}  // namespace
}  // namespace sluice::mcp_connector
