#include "services/mcp-connector/connections/mcp_session.h"

#include "services/mcp-connector/testing/session_test.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::seconds;
using testing::HasCode;
using testing::IsOk;

class McpSessionTest : public SessionTest {
 protected:
  TimePoint in(seconds time) { return loop_.clock.now() + time; }

  Async<std::vector<std::string>> follow(McpSession::Ticket* ticket) {
    std::vector<std::string> notifications;
    while (true) {
      SLUICE_CO_TRY(auto event, co_await ticket->next());
      if (!event) {
        co_return notifications;
      }
      notifications.push_back(std::move(event->notification));
    }
  }
};

TEST_F(McpSessionTest, InitializesAndSaysSo) {
  const auto result = loop_.finish(session_->initialize("2025-11-25", in(seconds(5))));

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result.value().protocol_version, "2025-11-25");
  EXPECT_EQ(server_.count("notifications/initialized"), 1U);
}

TEST_F(McpSessionTest, ASilentServerMissesTheDeadlineAndInitializeIsNeverCancelled) {
  server_.on("initialize", [](const auto&) { return std::nullopt; });

  const auto result = loop_.finish(session_->initialize("2025-11-25", in(seconds(5))));

  EXPECT_THAT(result, HasCode(Code::Deadline));
  EXPECT_EQ(server_.count("notifications/cancelled"), 0U);
}

TEST_F(McpSessionTest, CollectsEveryPageOfTools) {
  server_.on("tools/list", [](const mcp::Message& request) {
    const bool first = request.params == "{}";
    return ScriptedServer::Reply{
        .result =
            first ? R"({"tools":[{"name":"a"}],"nextCursor":"2"})" : R"({"tools":[{"name":"b"}]})",
        .error = {}
    };
  });

  const auto tools = loop_.finish(session_->list_tools(in(seconds(5))));

  ASSERT_THAT(tools, IsOk());
  EXPECT_EQ(tools.value().size(), 2U);
}

TEST_F(McpSessionTest, AListWithoutEndIsGivenUp) {
  int page = 0;
  server_.on("tools/list", [&page](const auto&) {
    return ScriptedServer::Reply{
        .result = R"({"tools":[],"nextCursor":")" + std::to_string(++page) + R"("})", .error = {}
    };
  });

  EXPECT_THAT(loop_.finish(session_->list_tools(in(seconds(60)))), HasCode(Code::Invalid));
  EXPECT_LE(page, kListPagesMax);
}

TEST_F(McpSessionTest, MatchesAnswersToCallsWhateverTheirOrder) {
  server_.on("tools/call", [](const auto&) { return std::nullopt; });
  auto first = session_->call_tool("a", "{}", in(seconds(5)));
  auto second = session_->call_tool("b", "{}", in(seconds(5)));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());

  server_.say(R"({"jsonrpc":"2.0","id":2,"result":{"n":2}})");
  server_.say(R"({"jsonrpc":"2.0","id":99,"result":{}})");
  server_.say(R"({"jsonrpc":"2.0","id":"1","result":{"n":"text id"}})");
  server_.say(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}})");
  server_.say(R"({"jsonrpc":"2.0","id":1,"result":{"n":"late"}})");
  loop_.settle();

  EXPECT_EQ(second.value()->take().value().result, R"({"n":2})");
  EXPECT_EQ(first.value()->take().value().error, R"({"code":-32602,"message":"no"})");
}

TEST_F(McpSessionTest, RoutesProgressToTheRightCall) {
  server_.on("tools/call", [](const auto&) { return std::nullopt; });
  auto one = session_->call_tool("a", "{}", in(seconds(5)));
  auto two = session_->call_tool("b", "{}", in(seconds(5)));

  server_.say(
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}})"
  );
  server_.say(R"({"jsonrpc":"2.0","id":1,"result":{}})");
  server_.say(R"({"jsonrpc":"2.0","id":2,"result":{}})");

  EXPECT_TRUE(loop_.finish(follow(one.value().get())).value().empty());
  const auto notifications = loop_.finish(follow(two.value().get()));
  ASSERT_EQ(notifications.value().size(), 1U);
  EXPECT_NE(notifications.value()[0].find(R"("progress":1)"), std::string::npos);
}

TEST_F(McpSessionTest, SkipsBannersAndGarbage) {
  server_.say("Server running on stdio");
  server_.say("{broken");
  server_.say("[]");
  server_.say(R"({"jsonrpc":"2.0"})");

  EXPECT_THAT(loop_.finish(session_->ping(in(seconds(5)))), IsOk());
}

TEST_F(McpSessionTest, AnswersTheServersOwnRequests) {
  server_.say(R"({"jsonrpc":"2.0","id":"r1","method":"roots/list"})");
  server_.say(R"({"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{}})");
  loop_.settle();

  const auto& received = server_.received();
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received[0].result, R"({"roots":[]})");
  EXPECT_NE(received[1].error.find("-32601"), std::string::npos);
}

TEST_F(McpSessionTest, AMissedDeadlineTellsTheServer) {
  server_.on("tools/call", [](const auto&) { return std::nullopt; });
  auto ticket = session_->call_tool("a", "{}", in(seconds(1)));

  loop_.advance(std::chrono::milliseconds(1100));

  EXPECT_THAT(ticket.value()->take(), HasCode(Code::Deadline));
  ASSERT_NE(server_.last("notifications/cancelled"), nullptr);
  EXPECT_NE(
      server_.last("notifications/cancelled")->params.find(R"("requestId":1)"), std::string::npos
  );
}

TEST_F(McpSessionTest, AServerThatEndsFailsWhatIsOpen) {
  server_.on("tools/call", [](const auto&) { return std::nullopt; });
  auto ticket = session_->call_tool("a", "{}", in(seconds(5)));

  server_.end();
  loop_.settle();

  EXPECT_THAT(ticket.value()->take(), HasCode(Code::Unavailable));
  EXPECT_THAT(session_->call_tool("a", "{}", in(seconds(5))), HasCode(Code::Unavailable));
  EXPECT_EQ(gone_, 1);
}

TEST_F(McpSessionTest, TakesOnlySoManyCallsAtATime) {
  server_.on("tools/call", [](const auto&) { return std::nullopt; });
  std::vector<std::unique_ptr<McpSession::Ticket>> tickets;
  for (std::size_t i = 0; i < kRequestsInFlightMax; ++i) {
    auto ticket = session_->call_tool("a", "{}", in(seconds(5)));
    ASSERT_THAT(ticket, IsOk());
    tickets.push_back(std::move(ticket).value());
  }

  EXPECT_THAT(session_->call_tool("a", "{}", in(seconds(5))), HasCode(Code::Exhausted));
}

TEST_F(McpSessionTest, TellsListChanges) {
  server_.say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  loop_.settle();

  EXPECT_EQ(list_changes_, 1);
}

TEST_F(McpSessionTest, AModernCallSaysVersionClientAndTokenAndIsRepeatedAsHeaders) {
  session_->speak_modern("2026-07-28", Discovered::Yes);

  const auto ticket = session_->call_tool("größe", "{}", in(seconds(5)), {{"mcp-param-a", "b"}});

  ASSERT_THAT(ticket, IsOk());
  EXPECT_EQ(server_.negotiated(), "2026-07-28");
  EXPECT_EQ(
      server_.last("tools/call")->params,
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
      R"("io.modelcontextprotocol/clientInfo":{"name":"sluice","version":"1"},)"
      R"("io.modelcontextprotocol/clientCapabilities":{},"progressToken":1},)"
      R"("name":"größe","arguments":{}})"
  );
  EXPECT_EQ(
      server_.headers("tools/call"),
      (mcp::HeaderList{
          {"mcp-protocol-version", "2026-07-28"},
          {"mcp-method", "tools/call"},
          {"mcp-name", "=?base64?Z3LDtsOfZQ==?="},
          {"mcp-param-a", "b"}
      })
  );
}

TEST_F(McpSessionTest, ALegacyCallHasATokenAndNoHeaders) {
  const auto ticket = session_->call_tool("a", "{}", in(seconds(5)));

  ASSERT_THAT(ticket, IsOk());
  EXPECT_EQ(
      server_.last("tools/call")->params,
      R"({"_meta":{"progressToken":1},"name":"a","arguments":{}})"
  );
  EXPECT_TRUE(server_.headers("tools/call").empty());
}

TEST_F(McpSessionTest, AModernResultThatNobodyKnowsIsAnErrorTowardsTheCaller) {
  session_->speak_modern("2026-07-28", Discovered::Yes);
  for (const auto& [result, is_error] :
       {std::pair(R"({"content":[]})", false),
        std::pair(R"({"resultType":"complete","content":[]})", false),
        std::pair(R"({"resultType":"input_required","inputRequests":{}})", false),
        std::pair(R"({"resultType":"task"})", true),
        std::pair("[]", true)}) {
    server_.on("tools/call", [given = result](const auto&) {
      return ScriptedServer::Reply{.result = given, .error = {}};
    });
    const auto ticket = session_->call_tool("a", "{}", in(seconds(5)));
    loop_.settle();
    const auto answer = ticket.value()->take();

    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer.value().result, is_error ? "" : result);
    EXPECT_EQ(answer.value().asks, std::string(result).find("input_required") != std::string::npos);
    EXPECT_EQ(answer.value().error.find("this gateway") != std::string::npos, is_error) << result;
  }
}

TEST_F(McpSessionTest, TheModernEraHasNoPing) {
  session_->speak_modern("2026-07-28", Discovered::Yes);
  EXPECT_TRUE(session_->has_ping());
  EXPECT_THAT(loop_.finish(session_->ping(in(seconds(5)))), IsOk());
  session_->speak_modern("2026-07-28", Discovered::No);
  EXPECT_FALSE(session_->has_ping());

  EXPECT_EQ(server_.count("server/discover"), 1U);
  EXPECT_EQ(server_.count("ping"), 0U);
}

}  // namespace
}  // namespace sluice::mcp_connector
