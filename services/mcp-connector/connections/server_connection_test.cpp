#include "services/mcp-connector/connections/server_connection.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsOk;

class ServerConnectionTest : public ::testing::Test {
 public:
  ~ServerConnectionTest() override {
    if (connection_) {
      connection_->stop();
      EXPECT_TRUE(loop_.advance_until([this] { return running_->done(); }));
      EXPECT_THAT(*running_->result, IsOk());
    }
  }

 protected:
  void run() {
    connection_ = std::make_unique<ServerConnection>(
        ServerConnection::Deps{
            .executor = loop_.executor(),
            .clock = &loop_.clock,
            .log = &log_,
            .opener = &server_,
            .server = &config_,
            .seed = 1,
            .on_status = [this] { states_.push_back(connection_->status().state()); },
            .on_catalog = [this] { ++catalog_changes_; },
        },
        std::make_shared<const ToolCatalog>()
    );
    running_ = loop_.start(connection_->run());
  }

  void connect() {
    run();
    ASSERT_TRUE(loop_.advance_until([this] { return connection_->connected(); }));
  }

  TestLoop loop_;
  QuietLog log_;
  ScriptedServer server_;
  ServerConfig config_ = stdio_server("s");
  std::unique_ptr<ServerConnection> connection_;
  std::shared_ptr<Started<void>> running_;
  std::vector<connector::v1::ServerState> states_;
  int catalog_changes_ = 0;
};

TEST_F(ServerConnectionTest, ConnectsAndListsTheTools) {
  server_.list(R"([{"name":"a"}])");

  connect();

  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_CONNECTED);
  EXPECT_NE(connection_->catalog()->find("a"), nullptr);
  EXPECT_EQ(catalog_changes_, 1);
  EXPECT_EQ(
      states_,
      (std::vector{connector::v1::SERVER_STATE_CONNECTING, connector::v1::SERVER_STATE_CONNECTED})
  );
}

TEST_F(ServerConnectionTest, AProgramThatCannotBeStartedIsAnErrorAndTriedAgainWithBackoff) {
  server_.fail_to_open(true);

  run();
  loop_.advance(seconds(20));

  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_ERROR);
  EXPECT_EQ(connection_->status().stage(), Stage::Connect);
  EXPECT_GE(server_.opened(), 4);
  EXPECT_LE(server_.opened(), 7);
}

TEST_F(ServerConnectionTest, AServerThatEndsAtOnceIsTriedAgainWithBackoffToo) {
  server_.on("initialize", [this](const auto&) -> std::optional<ScriptedServer::Reply> {
    server_.end();
    return std::nullopt;
  });

  run();
  loop_.advance(seconds(20));

  EXPECT_EQ(connection_->status().stage(), Stage::Initialize);
  EXPECT_GE(server_.opened(), 4);
  EXPECT_LE(server_.opened(), 7);
}

TEST_F(ServerConnectionTest, AServerThatNeverInitializesIsAnErrorAfterItsStartTimeout) {
  server_.on("initialize", [](const auto&) { return std::nullopt; });

  run();
  loop_.advance(config_.start_timeout + seconds(1));

  EXPECT_EQ(connection_->status().stage(), Stage::Initialize);
  EXPECT_FALSE(connection_->connected());
}

TEST_F(ServerConnectionTest, AServerThatCannotListItsToolsIsAnError) {
  server_.on("tools/list", [](const auto&) {
    return ScriptedServer::Reply{
        .result = {}, .error = R"({"code":-32603,"message":"no backend"})"
    };
  });

  run();
  loop_.advance(milliseconds(100));

  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_ERROR);
  EXPECT_EQ(connection_->status().stage(), Stage::ListTools);
}

TEST_F(ServerConnectionTest, AServerWithoutTheToolsCapabilityHasNoTools) {
  server_.on("initialize", [](const auto&) {
    return ScriptedServer::Reply{
        .result = R"({"protocolVersion":"2024-11-05","capabilities":{}})", .error = {}
    };
  });
  server_.on("tools/list", [](const auto&) {
    return ScriptedServer::Reply{.result = {}, .error = R"({"code":-32601,"message":"unknown"})"};
  });

  connect();

  EXPECT_TRUE(connection_->catalog()->tools().empty());
  EXPECT_EQ(connection_->protocol_version(), "2024-11-05");
}

TEST_F(ServerConnectionTest, AServerThatEndsIsRestartedAndItsToolsStayListed) {
  server_.list(R"([{"name":"a"}])");
  connect();

  server_.end();
  loop_.settle();

  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_EQ(connection_->status().stage(), Stage::TransportLost);
  EXPECT_NE(connection_->catalog()->find("a"), nullptr);
  EXPECT_TRUE(loop_.advance_until([this] { return connection_->connected(); }, seconds(3)));
  EXPECT_EQ(server_.opened(), 2);
}

TEST_F(ServerConnectionTest, WithoutPingTheHealthCheckListsTheTools) {
  config_.is_ping_available = false;
  connect();

  loop_.advance(config_.health_interval + seconds(1));

  EXPECT_EQ(server_.count("ping"), 0U);
  EXPECT_EQ(server_.count("tools/list"), 2U);
}

TEST_F(ServerConnectionTest, ABurstOfListChangesIsOneNewList) {
  connect();
  server_.list(R"([{"name":"new"}])");

  for (int i = 0; i < 7; ++i) {
    server_.say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  }
  loop_.advance(seconds(1));

  EXPECT_EQ(server_.count("tools/list"), 2U);
  EXPECT_NE(connection_->catalog()->find("new"), nullptr);
  EXPECT_EQ(catalog_changes_, 1);
}

// Has resources and prompts beside its tools.
void offer(ScriptedServer* server, const std::string& prompts) {
  server->on("initialize", [](const auto&) {
    return ScriptedServer::Reply{
        .result =
            R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},"resources":{},"prompts":{}}})",
        .error = {}
    };
  });
  server->on("resources/list", [](const auto&) {
    return ScriptedServer::Reply{.result = R"({"resources":[{"uri":"a://1"}]})", .error = {}};
  });
  server->on("prompts/list", [prompts](const auto&) {
    return ScriptedServer::Reply{.result = R"({"prompts":)" + prompts + "}", .error = {}};
  });
}

TEST_F(ServerConnectionTest, ListsWhatTheServerOffersBesidesTools) {
  offer(&server_, R"([{"name":"p"}])");

  connect();

  EXPECT_EQ(connection_->catalog()->offerings().resources.size(), 1U);
  EXPECT_EQ(connection_->catalog()->offerings().prompts.size(), 1U);
  EXPECT_FALSE(connection_->catalog()->offerings().completions);
  EXPECT_EQ(catalog_changes_, 1);
}

TEST_F(ServerConnectionTest, AServerWithToolsOnlyIsAskedForNothingElse) {
  connect();

  EXPECT_EQ(server_.count("resources/list") + server_.count("prompts/list"), 0U);
}

TEST_F(ServerConnectionTest, ChangedPromptsAndResourcesAreListedAnew) {
  offer(&server_, "[]");
  connect();
  offer(&server_, R"([{"name":"new"}])");

  server_.say(R"({"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})");
  server_.say(R"({"jsonrpc":"2.0","method":"notifications/resources/list_changed"})");
  loop_.advance(seconds(1));

  EXPECT_EQ(server_.count("prompts/list"), 2U) << "a burst is one listing";
  EXPECT_EQ(connection_->catalog()->offerings().prompts.size(), 1U);
  EXPECT_EQ(catalog_changes_, 2);
}

TEST_F(ServerConnectionTest, ListsThatFailOrHangLeaveTheServerConnectedWithItsTools) {
  server_.list(R"([{"name":"a"}])");
  offer(&server_, "7");
  server_.on("resources/list", [](const auto&) { return std::nullopt; });

  connect();

  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_CONNECTED);
  EXPECT_NE(connection_->catalog()->find("a"), nullptr);
  EXPECT_TRUE(connection_->catalog()->offerings().empty());
}

TEST_F(ServerConnectionTest, AHealthCheckByToolsKeepsTheOfferings) {
  config_.is_ping_available = false;
  offer(&server_, R"([{"name":"p"}])");
  connect();

  loop_.advance(config_.health_interval + seconds(1));

  EXPECT_EQ(server_.count("tools/list"), 2U);
  EXPECT_EQ(server_.count("prompts/list"), 1U);
  EXPECT_EQ(connection_->catalog()->offerings().prompts.size(), 1U);
}

TEST_F(ServerConnectionTest, AFailedNewListKeepsTheTools) {
  server_.list(R"([{"name":"a"}])");
  connect();
  server_.on("tools/list", [](const auto&) {
    return ScriptedServer::Reply{.result = "[]", .error = {}};
  });

  server_.say(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  loop_.advance(seconds(1));

  EXPECT_TRUE(connection_->connected());
  EXPECT_NE(connection_->catalog()->find("a"), nullptr);
}

TEST_F(ServerConnectionTest, TheSyncIntervalAsksForToolsAgain) {
  config_.sync_interval = milliseconds(5000);
  connect();

  loop_.advance(seconds(11));

  EXPECT_EQ(server_.count("tools/list"), 3U);
}

TEST_F(ServerConnectionTest, ReconnectStartsAnewAtOnce) {
  connect();

  connection_->reconnect();

  EXPECT_FALSE(connection_->connected());
  EXPECT_EQ(connection_->status().state(), connector::v1::SERVER_STATE_DISCONNECTED) << "at once";
  EXPECT_TRUE(loop_.advance_until([this] { return connection_->connected(); }, milliseconds(200)));
  EXPECT_EQ(server_.opened(), 2);
}

TEST_F(ServerConnectionTest, ReconnectCutsTheBackoffShort) {
  server_.fail_to_open(true);
  run();
  loop_.advance(seconds(30));
  server_.fail_to_open(false);

  connection_->reconnect();

  EXPECT_TRUE(loop_.advance_until([this] { return connection_->connected(); }, milliseconds(200)));
}

TEST_F(ServerConnectionTest, StopEndsAStartThatHangs) {
  server_.on("initialize", [](const auto&) { return std::nullopt; });
  run();

  connection_->stop();

  EXPECT_TRUE(loop_.advance_until([this] { return running_->done(); }, milliseconds(100)));
  EXPECT_FALSE(server_.running());
}

constexpr const char* kDiscovered =
    R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}})";

// Two tools, of which one cannot be called over HTTP.
constexpr const char* kMirrored =
    R"([{"name":"good","inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"Region"}}}},)"
    R"({"name":"bad","inputSchema":{"properties":{"r":{"type":"number","x-mcp-header":"R"}}}}])";

ScriptedServer::Script discovered() {
  return [](const auto&) { return ScriptedServer::Reply{.result = kDiscovered, .error = {}}; };
}

TEST_F(ServerConnectionTest, AModernServerIsNotInitializedAndItsHealthIsAskedByDiscover) {
  server_.on("server/discover", discovered());
  connect();

  loop_.advance(config_.health_interval + seconds(1));

  EXPECT_EQ(connection_->protocol_version(), "2026-07-28");
  EXPECT_EQ(server_.count("server/discover"), 2U);
  EXPECT_EQ(server_.count("initialize"), 0U);
  EXPECT_EQ(server_.count("notifications/initialized"), 0U);
  EXPECT_EQ(server_.count("ping"), 0U);
}

TEST_F(ServerConnectionTest, APinnedModernServerIsNeverAskedToDiscover) {
  config_.pinned_version = "2026-07-28";
  connect();

  loop_.advance(config_.health_interval + seconds(1));

  EXPECT_EQ(connection_->protocol_version(), "2026-07-28");
  EXPECT_EQ(server_.count("server/discover"), 0U);
  EXPECT_EQ(server_.count("tools/list"), 2U) << "the health check";
}

TEST_F(ServerConnectionTest, OverModernHttpArgumentsAreMirroredAndAToolThatCannotIsLeftOut) {
  config_.type = ConnectionType::Http;
  config_.pinned_version = "2026-07-28";
  server_.list(kMirrored);
  connect();

  const auto ticket =
      connection_->call_tool("good", R"({"r":"eu"})", loop_.clock.now() + std::chrono::seconds(5));

  ASSERT_THAT(ticket, IsOk());
  EXPECT_EQ(
      server_.headers("tools/call").back(),
      std::pair(std::string("mcp-param-region"), std::string("eu"))
  );
  EXPECT_NE(connection_->catalog()->find("good"), nullptr);
  EXPECT_EQ(connection_->catalog()->find("bad"), nullptr);
  EXPECT_TRUE(
      connection_->wants_other_headers({.result = {}, .error = R"({"code":-32020,"message":"no"})"})
  );
}

TEST_F(ServerConnectionTest, WithoutModernHttpNoToolIsLeftOutAndNothingIsMirrored) {
  config_.pinned_version = "2026-07-28";
  server_.list(kMirrored);
  connect();

  EXPECT_EQ(connection_->catalog()->tools().size(), 2U);
  EXPECT_THAT(loop_.finish(connection_->list_tools(loop_.clock.now() + seconds(5))), IsOk());
  const auto& said = log_.warnings();
  EXPECT_EQ(std::count(said.begin(), said.end(), "tool-headers-invalid"), 1);
  EXPECT_FALSE(
      connection_->wants_other_headers({.result = {}, .error = R"({"code":-32020,"message":"no"})"})
  );
}

// Says that nobody takes POST there.
ScriptedServer::Script without_post(ScriptedServer* server) {
  return [server](const mcp::Message& request) {
    server->leave_unanswered(
        std::get<std::int64_t>(*request.id), Error(Code::NotFound, "HTTP status 405")
    );
    return std::optional<ScriptedServer::Reply>();
  };
}

TEST_F(ServerConnectionTest, AnHttpServerWithoutPostIsTriedOverHttpAndSse) {
  config_.type = ConnectionType::Http;
  server_.on("initialize", [this](const mcp::Message& request) {
    if (server_.types().back() == ConnectionType::Http) {
      return without_post(&server_)(request);
    }
    return std::optional(ScriptedServer::Reply{
        .result = R"({"protocolVersion":"2024-11-05","capabilities":{"tools":{}}})", .error = {}
    });
  });

  connect();

  EXPECT_EQ(server_.types(), (std::vector{ConnectionType::Http, ConnectionType::Sse}));
  EXPECT_EQ(server_.count("server/discover"), 1U) << "over HTTP+SSE there is one era only";
  EXPECT_EQ(connection_->protocol_version(), "2024-11-05");
}

TEST_F(ServerConnectionTest, APinnedHttpServerWithoutPostIsAnError) {
  config_.type = ConnectionType::Http;
  config_.pinned_version = "2025-11-25";
  server_.on("initialize", without_post(&server_));
  run();
  loop_.advance(milliseconds(100));

  EXPECT_EQ(connection_->status().stage(), Stage::Initialize);
  EXPECT_EQ(server_.types(), std::vector{ConnectionType::Http});
}

}  // namespace
}  // namespace sluice::mcp_connector
