#include "services/mcp-connector/connections/handshake.h"

#include "services/mcp-connector/testing/fixture.h"
#include "services/mcp-connector/testing/session_test.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::seconds;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kModern =
    R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})";
constexpr const char* kOnlyModern =
    R"({"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}})";

ScriptedServer::Reply result(std::string text) {
  return {.result = std::move(text), .error = {}};
}

ScriptedServer::Reply error(std::string text) {
  return {.result = {}, .error = std::move(text)};
}

class HandshakeTest : public SessionTest {
 protected:
  Async<Agreement> shake(seconds timeout = seconds(30)) {
    return shake_hands(session_.get(), &loop_.clock, &config_, loop_.clock.now() + timeout);
  }

  // What was sent, in order.
  [[nodiscard]] std::vector<std::string> sent() const {
    std::vector<std::string> methods;
    for (const mcp::Message& message : server_.received()) {
      methods.push_back(message.method);
    }
    return methods;
  }

  const std::vector<std::string> whole_ladder_{
      "server/discover", "initialize", "notifications/initialized"
  };

  ServerConfig config_ = stdio_server("s");
};

TEST_F(HandshakeTest, AServerThatDiscoversAModernVersionNeedsNoMore) {
  server_.on("server/discover", [](const auto&) { return result(kModern); });

  const auto agreed = loop_.finish(shake());

  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(agreed.value().protocol_version, "2026-07-28");
  EXPECT_TRUE(agreed.value().capabilities.has_tools);
  EXPECT_EQ(sent(), std::vector<std::string>{"server/discover"});
  EXPECT_EQ(server_.headers("server/discover").front().second, "2026-07-28");
  EXPECT_NE(server_.last("server/discover")->params.find("protocolVersion"), std::string::npos);
  EXPECT_EQ(server_.negotiated(), "2026-07-28");
  EXPECT_TRUE(session_->has_ping());
}

TEST_F(HandshakeTest, EveryOtherAnswerLeadsToInitializeOnTheSameConnection) {
  for (const auto& reply :
       {error(R"({"code":-32601,"message":"unknown"})"),
        error(R"({"code":-32603,"message":"inside"})"),
        error(R"({"code":-32000,"message":"no session"})"),
        error(R"({"code":-32022,"message":"no","data":{"supported":["2027-01-01"]}})"),
        result(R"({"supportedVersions":["2025-11-25"]})"),
        result("{}")}) {
    server_.on("server/discover", [&reply](const auto&) { return reply; });
    const std::size_t before = server_.received().size();

    const auto agreed = loop_.finish(shake());

    ASSERT_THAT(agreed, IsOk());
    EXPECT_EQ(agreed.value().protocol_version, "2025-11-25");
    const auto all = sent();
    EXPECT_EQ(std::vector<std::string>(all.begin() + before, all.end()), whole_ladder_);
    EXPECT_EQ(server_.negotiated(), "2025-11-25");
  }
  EXPECT_EQ(server_.opened(), 1);
}

TEST_F(HandshakeTest, ATransportThatLeavesTheQuestionUnansweredLeadsToInitialize) {
  server_.on("server/discover", [this](const mcp::Message& request) {
    server_.leave_unanswered(
        std::get<std::int64_t>(*request.id), Error(Code::Unavailable, "HTTP status 500")
    );
    return std::nullopt;
  });

  EXPECT_THAT(loop_.finish(shake()), IsOk());
  EXPECT_EQ(sent(), whole_ladder_);
}

TEST_F(HandshakeTest, SilenceLeadsToInitializeAfterTheProbeTimeout) {
  server_.on("server/discover", [](const auto&) { return std::nullopt; });
  const TimePoint began = loop_.clock.now();

  EXPECT_THAT(loop_.finish(shake()), IsOk());

  EXPECT_EQ(sent(), whole_ladder_) << "the question is not cancelled, initialize must come next";
  EXPECT_GE(loop_.clock.now() - began, kProbeTimeout);
  EXPECT_LT(loop_.clock.now() - began, kProbeTimeout + seconds(1));
}

TEST_F(HandshakeTest, SilenceLeavesHalfOfAShortStartToInitialize) {
  server_.on("server/discover", [](const auto&) { return std::nullopt; });

  EXPECT_THAT(loop_.finish(shake(seconds(2))), IsOk());
}

TEST_F(HandshakeTest, AServerThatNamesASharedVersionIsAskedOnceMore) {
  server_.on("server/discover", [this](const auto&) {
    return server_.count("server/discover") == 1 ? error(kOnlyModern) : result(kModern);
  });

  const auto agreed = loop_.finish(shake());

  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(agreed.value().protocol_version, "2026-07-28");
  EXPECT_EQ(server_.count("server/discover"), 2U);
  EXPECT_EQ(server_.count("initialize"), 0U);
}

TEST_F(HandshakeTest, ASlowModernServerHasAnsweredBothByTheTimeItRefusesTheSecond) {
  server_.on("server/discover", [](const auto&) { return std::nullopt; });
  server_.on("initialize", [this](const auto&) {
    server_.say(R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(kModern) + "}");
    return error(R"({"code":-32601,"message":"unknown"})");
  });

  const auto agreed = loop_.finish(shake());

  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(agreed.value().protocol_version, "2026-07-28");
  EXPECT_TRUE(session_->has_ping());
}

TEST_F(HandshakeTest, ARefusedInitializeMayNameTheModernVersion) {
  server_.on("server/discover", [](const auto&) {
    return error(R"({"code":-32601,"message":"unknown"})");
  });
  server_.on("initialize", [](const auto&) { return error(kOnlyModern); });

  const auto agreed = loop_.finish(shake());

  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(agreed.value().protocol_version, "2026-07-28");
  EXPECT_FALSE(session_->has_ping());
}

TEST_F(HandshakeTest, AServerThatRefusesBothIsAnError) {
  server_.on("server/discover", [](const auto&) {
    return error(R"({"code":-32601,"message":"unknown"})");
  });
  server_.on("initialize", [](const auto&) {
    return error(R"({"code":-32603,"message":"no backend"})");
  });

  EXPECT_THAT(loop_.finish(shake()), HasCode(Code::Unavailable));
}

TEST_F(HandshakeTest, APinnedModernServerIsAskedNothing) {
  config_.pinned_version = "2026-07-28";

  const auto agreed = loop_.finish(shake());

  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(agreed.value().protocol_version, "2026-07-28");
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(server_.negotiated(), "2026-07-28");
}

TEST_F(HandshakeTest, APinnedLegacyServerIsInitializedAtOnceInThatVersion) {
  config_.pinned_version = "2025-03-26";

  EXPECT_THAT(loop_.finish(shake()), IsOk());

  EXPECT_EQ(server_.count("server/discover"), 0U);
  EXPECT_NE(
      server_.last("initialize")->params.find(R"("protocolVersion":"2025-03-26")"),
      std::string::npos
  );
}

TEST_F(HandshakeTest, OverHttpAndSseThereIsOneEraOnly) {
  config_.type = ConnectionType::Sse;

  EXPECT_THAT(loop_.finish(shake()), IsOk());

  EXPECT_EQ(server_.count("server/discover"), 0U);
}

}  // namespace
}  // namespace sluice::mcp_connector
