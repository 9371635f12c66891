// Health and circuit breaker of a connection: what counts as dead, how soon, and what calls get.
#include "services/mcp-connector/connections/server_connection.h"
#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::HasCode;
using testing::IsOk;

ScriptedServer::Script silence() {
  return [](const auto&) { return std::nullopt; };
}

class ServerHealthTest : public ::testing::Test {
 public:
  ~ServerHealthTest() override {
    ticket_.reset();
    connection_->stop();
    EXPECT_TRUE(loop_.advance_until([this] { return running_->done(); }));
  }

 protected:
  void connect() {
    connection_ = std::make_unique<ServerConnection>(
        ServerConnection::Deps{
            .executor = loop_.executor(),
            .clock = &loop_.clock,
            .log = &log_,
            .opener = &server_,
            .server = &config_,
            .seed = 1,
            .on_status = [this] { ++status_changes_; },
            .on_catalog = [] {},
        },
        std::make_shared<const ToolCatalog>()
    );
    running_ = loop_.start(connection_->run());
    ASSERT_TRUE(loop_.advance_until([this] { return connection_->connected(); }));
  }

  // The server answers nothing more.
  void hang() {
    for (const char* method : {"ping", "tools/list", "tools/call", "server/discover"}) {
      server_.on(method, silence());
    }
  }

  bool noticed_within(milliseconds limit) {
    return loop_.advance_until(
        [this] { return connection_->status().stage() == Stage::Ping; }, limit
    );
  }

  void call(milliseconds timeout = 1h) {
    auto ticket = connection_->call_tool("a", "{}", loop_.clock.now() + timeout);
    ASSERT_THAT(ticket, IsOk());
    ticket_ = std::move(ticket).value();
    sent_ = loop_.clock.now();
  }

  // Ends the call as its handler does.
  Result<Answer> end_call() {
    auto answer = ticket_->take();
    connection_->call_ended(answer.ok() ? nullptr : &answer.error(), loop_.clock.now() - sent_);
    ticket_.reset();
    return answer;
  }

  // A call that gets no answer in the time the server is allowed.
  void time_out() {
    call(config_.call_timeout);
    ASSERT_TRUE(loop_.advance_until([this] { return ticket_->ended(); }));
    EXPECT_THAT(end_call(), HasCode(Code::Deadline));
  }

  TestLoop loop_;
  QuietLog log_;
  ScriptedServer server_;
  ServerConfig config_ = stdio_server("s");
  std::unique_ptr<ServerConnection> connection_;
  std::shared_ptr<Started<void>> running_;
  std::unique_ptr<McpSession::Ticket> ticket_;
  TimePoint sent_;
  int status_changes_ = 0;
};

TEST_F(ServerHealthTest, ADeadServerIsNoticedWithinTwelveSecondsAndStartedAnew) {
  connect();
  loop_.advance(config_.health_interval + 100ms);  // a check was answered just now
  hang();

  EXPECT_TRUE(noticed_within(11900ms));
  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_FALSE(connection_->connected());
  for (const char* method : {"ping", "tools/list"}) {
    server_.on(method, [](const auto&) {
      return ScriptedServer::Reply{.result = R"({"tools":[]})", .error = {}};
    });
  }
  EXPECT_TRUE(loop_.advance_until([this] { return connection_->connected(); }, 6s));
  EXPECT_EQ(server_.opened(), 2);
}

TEST_F(ServerHealthTest, ADeadServerIsNoticedWhileAListHangs) {
  connect();
  hang();
  server_.say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");

  EXPECT_TRUE(noticed_within(11900ms));
}

TEST_F(ServerHealthTest, WithoutPingsASilentListIsNoticedJustAsSoon) {
  config_.is_ping_available = false;
  connect();
  hang();

  EXPECT_TRUE(noticed_within(11900ms));
}

TEST_F(ServerHealthTest, OneLostPingIsNoEnd) {
  connect();
  int pings = 0;
  server_.on("ping", [&pings](const auto&) {
    return ++pings % 2 == 1 ? std::nullopt
                            : std::optional(ScriptedServer::Reply{.result = "{}", .error = {}});
  });

  loop_.advance(60s);

  EXPECT_GE(pings, 8);
  EXPECT_EQ(server_.opened(), 1);
}

TEST_F(ServerHealthTest, AnErrorIsAnAnswerAndALateOneToo) {
  connect();
  server_.on("ping", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32601,"message":"what"})"};
  });
  loop_.advance(30s);
  std::int64_t first = 0;
  server_.on(
      "ping",
      [this, &first](const mcp::Message& request) -> std::optional<ScriptedServer::Reply> {
        const std::int64_t id = std::get<std::int64_t>(*request.id);
        if (first != 0) {  // the answer to the one before, at the second question only
          server_.say(R"({"jsonrpc":"2.0","id":)" + std::to_string(first) + R"(,"result":{}})");
        }
        first = first == 0 ? id : 0;
        return std::nullopt;
      }
  );
  loop_.advance(60s);

  EXPECT_EQ(server_.opened(), 1);
}

TEST_F(ServerHealthTest, APingThatTheTransportRefusesIsRepeatedByAList) {
  connect();
  server_.on("ping", [this](const mcp::Message& request) -> std::optional<ScriptedServer::Reply> {
    server_.leave_unanswered(
        std::get<std::int64_t>(*request.id), Error(Code::Unavailable, "HTTP status 500")
    );
    return std::nullopt;
  });
  loop_.advance(30s);
  EXPECT_EQ(server_.opened(), 1);

  server_.on("tools/list", silence());

  EXPECT_TRUE(noticed_within(12s));
}

TEST_F(ServerHealthTest, AServerBusyWithACallMayBeSilentAsLongAsACallMayTake) {
  config_.call_timeout = 60s;
  connect();
  hang();
  call();

  loop_.advance(59s);
  EXPECT_TRUE(connection_->connected());
  EXPECT_EQ(server_.opened(), 1);

  EXPECT_TRUE(noticed_within(14s)) << "no call may take that long";
}

TEST_F(ServerHealthTest, ProgressIsASignOfLife) {
  connect();
  hang();
  std::int64_t id = 0;
  server_.on("tools/call", [&id](const mcp::Message& request) {
    id = std::get<std::int64_t>(*request.id);
    return std::nullopt;
  });
  call();

  for (int i = 0; i < 300; ++i) {
    loop_.advance(500ms);
    server_.say(
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
        std::to_string(id) + R"(,"progress":)" + std::to_string(i) + "}}"
    );
  }

  EXPECT_TRUE(connection_->connected());
  EXPECT_EQ(server_.opened(), 1);
}

TEST_F(ServerHealthTest, ACallThatTimedOutInSilenceAsksAtOnce) {
  config_.call_timeout = 1s;
  connect();
  loop_.advance(config_.health_interval + 100ms);
  hang();

  time_out();

  EXPECT_TRUE(noticed_within(2s));
}

TEST_F(ServerHealthTest, CallsWithoutAnswersOpenTheCircuitAndAnAnswerClosesIt) {
  connect();
  server_.on("tools/call", silence());
  for (int i = 0; i < kCircuitFailuresMax; ++i) {
    EXPECT_FALSE(connection_->refuses_calls());
    time_out();
  }
  const int changes = status_changes_;

  const auto refused = connection_->call_tool("a", "{}", loop_.clock.now() + 1s);

  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_TRUE(refused.error().retry_after().has_value());
  EXPECT_TRUE(connection_->connected()) << "it answers pings";
  EXPECT_NE(connection_->message().find("calls are refused"), std::string::npos);
  server_.on("tools/call", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32603,"message":"no"})"};
  });
  loop_.advance(kCircuitPause);
  call();
  loop_.settle();
  EXPECT_THAT(end_call(), IsOk());
  EXPECT_EQ(connection_->message(), "");
  EXPECT_EQ(status_changes_, changes + 1);
}

TEST_F(ServerHealthTest, CallersThatLeaveOrHaveLittleTimeOpenNoCircuit) {
  connect();
  server_.on("tools/call", silence());

  for (int i = 0; i < 3 * kCircuitFailuresMax; ++i) {
    call();
    loop_.advance(1s);
    ticket_->give_up();
    EXPECT_THAT(end_call(), HasCode(Code::Cancelled));
    call(500ms);
    ASSERT_TRUE(loop_.advance_until([this] { return ticket_->ended(); }));
    EXPECT_THAT(end_call(), HasCode(Code::Deadline));
  }

  EXPECT_FALSE(connection_->refuses_calls());
}

TEST_F(ServerHealthTest, ToolErrorsOpenNoCircuit) {
  connect();
  server_.on("tools/call", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32603,"message":"no"})"};
  });

  for (int i = 0; i < 2 * kCircuitFailuresMax; ++i) {
    call();
    loop_.settle();
    EXPECT_THAT(end_call(), IsOk());
  }

  EXPECT_FALSE(connection_->refuses_calls());
}

TEST_F(ServerHealthTest, AServerThatCrashesOnEveryCallOpensTheCircuitAcrossItsRestarts) {
  connect();
  server_.on("tools/call", [this](const auto&) -> std::optional<ScriptedServer::Reply> {
    server_.end();
    return std::nullopt;
  });

  for (int i = 0; i < kCircuitFailuresMax; ++i) {
    EXPECT_FALSE(connection_->refuses_calls());
    call();
    loop_.settle();
    EXPECT_THAT(end_call(), HasCode(Code::Unavailable));
    ASSERT_TRUE(loop_.advance_until([this] { return connection_->connected(); }));
  }

  EXPECT_TRUE(connection_->refuses_calls());
  EXPECT_THAT(connection_->check_circuit(), IsOk()) << "started anew, one may try";
}

TEST_F(ServerHealthTest, CallsThatEndWithTheirConnectionAreOneFailure) {
  connect();
  server_.on("tools/call", silence());
  std::vector<std::unique_ptr<McpSession::Ticket>> tickets;
  for (int i = 0; i < 2 * kCircuitFailuresMax; ++i) {
    auto ticket = connection_->call_tool("a", "{}", loop_.clock.now() + 1h);
    ASSERT_THAT(ticket, IsOk());
    tickets.push_back(std::move(ticket).value());
  }

  server_.end();
  loop_.settle();
  for (auto& ticket : tickets) {
    const auto answer = ticket->take();
    connection_->call_ended(&answer.error(), 1s);
  }
  tickets.clear();

  ASSERT_TRUE(loop_.advance_until([this] { return connection_->connected(); }));
  EXPECT_FALSE(connection_->refuses_calls());
}

}  // namespace
}  // namespace sluice::mcp_connector
