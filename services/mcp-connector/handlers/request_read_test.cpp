// Requests other than tools/call: resources/read, prompts/get, completion/complete.
#include "services/mcp-connector/handlers/request.h"
#include "services/mcp-connector/testing/fixture.h"

#include "common/crypto/sha256.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kUri = R"({"uri":"a://1"})";

class ReadRequestTest : public ::testing::Test {
 protected:
  void answer(const std::string& method, const std::string& result) {
    fixture_.server.on(method, [result](const auto&) {
      return ScriptedServer::Reply{.result = result, .error = {}};
    });
  }

  void speak_modern() {
    fixture_.servers.front().type = ConnectionType::Http;
    fixture_.servers.front().pinned_version = "2026-07-28";
  }

  Result<connector::v1::Final> send(const std::string& method, const std::string& params) {
    return fixture_.send(fixture_.request_with(fixture_.grant_to_read(method, params), params));
  }

  audit::v1::Record recorded(const std::string& action) {
    const auto records = fixture_.recording.with_action(action);
    EXPECT_EQ(records.size(), 1U);
    return records.empty() ? audit::v1::Record() : records.front();
  }

  ConnectorFixture fixture_;
};

TEST_F(ReadRequestTest, SendsTheParamsAsTheyAreAndRecordsTheMethod) {
  for (const auto& [method, params] :
       {std::pair{"resources/read", kUri},
        std::pair{"prompts/get", R"({"arguments":{"n":"1.0"},"name":"p"})"},
        std::pair{"completion/complete", R"({"argument":{},"ref":{}})"}}) {
    SCOPED_TRACE(method);
    ConnectorFixture fixture;
    fixture.server.on(method, [](const auto&) {
      return ScriptedServer::Reply{.result = R"({"what":"was read"})", .error = {}};
    });
    fixture.start();

    const auto final =
        fixture.send(fixture.request_with(fixture.grant_to_read(method, params), params));

    ASSERT_THAT(final, IsOk());
    EXPECT_EQ(final.value().outcome(), connector::v1::OUTCOME_DONE);
    EXPECT_EQ(final.value().result(), R"({"what":"was read"})");
    const mcp::Message* sent = fixture.server.last(method);
    ASSERT_NE(sent, nullptr);
    EXPECT_EQ(
        sent->params,
        R"({"_meta":{"progressToken":)" + mcp::to_json(*sent->id) + "}," +
            std::string(params).substr(1)
    );
    EXPECT_TRUE(fixture.recording.commits().empty()) << "a read needs no durable intent";
    for (const char* action : {"tool.intent", "tool.outcome"}) {
      const auto records = fixture.recording.with_action(action);
      ASSERT_EQ(records.size(), 1U);
      EXPECT_EQ(records[0].tool(), method);
      EXPECT_EQ(records[0].effect_class(), "read");
      EXPECT_EQ(records[0].args_digest(), crypto::sha256(params));
    }
  }
}

TEST_F(ReadRequestTest, RefusesAGrantForAnythingElse) {
  fixture_.start();
  const auto for_prompts = fixture_.grant_to_read("prompts/get", kUri);
  const auto for_another = fixture_.grant_to_read("resources/read", R"({"uri":"a://2"})");
  auto for_a_tool = fixture_.grant_to_read("resources/read", kUri);
  for_a_tool.set_tool("read_file");

  for (const auto& grant : {for_prompts, for_another, for_a_tool}) {
    auto request = fixture_.request_with(grant, kUri);
    request.set_method("resources/read");
    EXPECT_THAT(fixture_.send(request), HasCode(Code::Denied));
  }
  EXPECT_EQ(fixture_.server.count("resources/read"), 0U);
  EXPECT_EQ(fixture_.recording.with_action("tool.refused").size(), 3U);
}

TEST_F(ReadRequestTest, AGrantCountsOnce) {
  fixture_.start();
  const auto request = fixture_.request_with(fixture_.grant_to_read("resources/read", kUri), kUri);

  EXPECT_THAT(fixture_.send(request), IsOk());
  EXPECT_THAT(fixture_.send(request), HasCode(Code::Conflict));
  EXPECT_EQ(fixture_.server.count("resources/read"), 1U);
}

TEST_F(ReadRequestTest, RefusesParamsThatNameNothingOrBringTheirOwnMeta) {
  fixture_.start();

  EXPECT_THAT(send("resources/read", ""), HasCode(Code::Denied)) << "the digest is of {}";
  EXPECT_THAT(send("resources/read", "{}"), HasCode(Code::Invalid));
  EXPECT_THAT(send("prompts/get", R"({"_meta":{},"name":"p"})"), HasCode(Code::Invalid));
  EXPECT_EQ(fixture_.server.count("resources/read") + fixture_.server.count("prompts/get"), 0U);
}

TEST_F(ReadRequestTest, ToolsToExecuteIsAboutToolsOnly) {
  fixture_.servers.front().tools_to_execute.clear();
  fixture_.start();

  EXPECT_THAT(send("resources/read", kUri), IsOk());
}

TEST_F(ReadRequestTest, WithoutAConnectionNothingIsSent) {
  fixture_.start();
  fixture_.server.end();
  fixture_.loop.settle();

  EXPECT_THAT(send("resources/read", kUri), HasCode(Code::Unavailable));
}

TEST_F(ReadRequestTest, AResultThatLooksLikeAToolErrorIsNone) {
  answer("resources/read", R"({"contents":[],"isError":true})");
  fixture_.start();

  const auto final = send("resources/read", kUri);

  ASSERT_THAT(final, IsOk());
  EXPECT_FALSE(final.value().is_error());
}

TEST_F(ReadRequestTest, ATimeoutIsUnknownAndTellsTheServer) {
  fixture_.servers.front().call_timeout = milliseconds(500);
  fixture_.server.on("prompts/get", [](const auto&) { return std::nullopt; });
  fixture_.start();

  const auto final = send("prompts/get", R"({"name":"p"})");

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().outcome(), connector::v1::OUTCOME_UNKNOWN);
  EXPECT_EQ(fixture_.server.count("notifications/cancelled"), 1U);
  EXPECT_EQ(recorded("tool.outcome").outcome(), audit::v1::OUTCOME_UNKNOWN);
}

TEST_F(ReadRequestTest, ModernHttpRepeatsMethodAndName) {
  speak_modern();
  fixture_.start();

  ASSERT_THAT(send("resources/read", R"({"uri":"a://ä"})"), IsOk());
  ASSERT_THAT(send("prompts/get", R"({"name":"p"})"), IsOk());
  ASSERT_THAT(send("completion/complete", R"({"ref":{"name":"p"}})"), IsOk());

  using Header = std::pair<std::string, std::string>;
  EXPECT_EQ(
      fixture_.server.headers("resources/read").back(), Header("mcp-name", "=?base64?YTovL8Ok?=")
  );
  EXPECT_EQ(fixture_.server.headers("prompts/get").back(), Header("mcp-name", "p"));
  EXPECT_EQ(
      fixture_.server.headers("completion/complete").back(),
      Header("mcp-method", "completion/complete")
  );
}

TEST_F(ReadRequestTest, AModernResultThatAsksBackIsAnError) {
  speak_modern();
  answer("prompts/get", R"({"resultType":"input_required"})");
  fixture_.start();

  const auto final = send("prompts/get", R"({"name":"p"})");

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(final.value().error().find("asks for more input"), std::string::npos);
}

TEST_F(ReadRequestTest, AHeaderMismatchIsPassedOnAndNothingIsSentAgain) {
  speak_modern();
  fixture_.server.on("resources/read", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32020,"message":"no"})"};
  });
  fixture_.start();

  const auto final = send("resources/read", kUri);

  ASSERT_THAT(final, IsOk());
  EXPECT_NE(final.value().error().find("-32020"), std::string::npos);
  EXPECT_EQ(fixture_.server.count("resources/read"), 1U);
}

}  // namespace
}  // namespace sluice::mcp_connector
