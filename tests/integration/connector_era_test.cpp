// Both eras of the protocol, over HTTP and stdio, against fake servers that are strict about what a
// modern request carries.
#include "tests/integration/connector_http_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

constexpr const char* kModernVersion = "2026-07-28";
constexpr const char* kLegacyVersion = "2025-11-25";

// How a server behaves, and the version that is agreed with it.
struct Behaviour {
  std::string name;
  std::vector<std::string> options;
  std::string version;
};

void PrintTo(const Behaviour& behaviour, std::ostream* out) {
  *out << behaviour.name;
}

std::vector<Behaviour> behaviours() {
  return {
      {"Dual", {"--era", "dual"}, kModernVersion},
      {"ModernOnly", {"--era", "modern"}, kModernVersion},
      {"NamesTheVersion", {"--era", "modern", "--discover", "ask-again"}, kModernVersion},
      {"ModernWithoutDiscover", {"--era", "modern", "--discover", "unknown"}, kModernVersion},
      {"ModernSilentDiscover", {"--era", "modern", "--discover", "silent"}, kModernVersion},
      {"Legacy", {}, kLegacyVersion},
      {"Unknown", {"--discover", "unknown"}, kLegacyVersion},
      {"ServerError", {"--discover", "inside"}, kLegacyVersion},
      {"NoSession", {"--discover", "refuse"}, kLegacyVersion},
      {"OldVersions", {"--discover", "old"}, kLegacyVersion},
      {"SilentDiscover", {"--discover", "silent"}, kLegacyVersion}
  };
}

class Eras : public ::testing::TestWithParam<Behaviour> {
 protected:
  // Agrees, lists and calls: the fake refuses whatever lacks something.
  static void use(ServerRig* rig) {
    const auto agreed = rig->shake_hands();
    ASSERT_THAT(agreed, IsOk());
    EXPECT_EQ(agreed.value().protocol_version, GetParam().version);
    const auto tools = rig->loop.run(rig->session->list_tools(rig->loop.clock()->now() + 10s));
    ASSERT_THAT(tools, IsOk());
    EXPECT_GE(tools.value().size(), 7U);
    const auto echoed = rig->call("echo", R"({"text":"hi"})");
    ASSERT_THAT(echoed, IsOk());
    EXPECT_NE(echoed.value().result.find("hi"), std::string::npos) << echoed.value().error;
  }
};

TEST_P(Eras, AreFoundOutOverHttp) {
  const FakeHttpServer server(GetParam().options);
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());

  use(&rig);

  const bool is_modern = GetParam().version == kModernVersion;
  EXPECT_EQ(server.count("POST", "notifications/initialized"), is_modern ? 0 : 1);
  EXPECT_EQ(server.count("POST", "tools/call"), 1);
  rig.stop();
  EXPECT_EQ(server.count("DELETE", ""), is_modern ? 0 : 1);
}

TEST_P(Eras, AreFoundOutOverStdioInOneProcess) {
  StdioRig rig(fake_server(GetParam().options));
  ASSERT_THAT(rig.open(), IsOk());

  use(&rig);
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryServer,
    Eras,
    ::testing::ValuesIn(behaviours()),
    [](const auto& of) { return of.param.name; }
);

// A modern server over HTTP.
class ModernHttp : public ::testing::Test {
 protected:
  void connect(std::vector<std::string> options = {"--era", "dual"}) {
    server_ = std::make_unique<FakeHttpServer>(std::move(options));
    rig_ = std::make_unique<HttpRig>(server_->config());
    ASSERT_THAT(rig_->open(), IsOk());
    const auto agreed = rig_->shake_hands();
    ASSERT_THAT(agreed, IsOk());
    ASSERT_EQ(agreed.value().protocol_version, kModernVersion);
  }

  bool closed() {
    return rig_->loop.wait([this] { return server_->count("CLOSED", "tools/call") == 1; }, 5s);
  }

  std::unique_ptr<FakeHttpServer> server_;
  std::unique_ptr<HttpRig> rig_;
};

TEST_F(ModernHttp, NeedsNoHandshakeAndNoStreamOfItsOwn) {
  connect();

  EXPECT_THAT(rig_->loop.run(rig_->session->ping(rig_->loop.clock()->now() + 5s)), IsOk());
  EXPECT_THAT(rig_->call("progress", R"({"steps":3})"), IsOk());

  EXPECT_EQ(rig_->progress.size(), 3U);
  EXPECT_EQ(server_->count("POST", "initialize"), 0);
  EXPECT_EQ(server_->count("POST", "ping"), 0);
  EXPECT_EQ(server_->count("POST", "server/discover"), 2);
  EXPECT_EQ(server_->count("GET", ""), 0);
}

TEST_F(ModernHttp, AResultThatIsNotCompleteIsAnError) {
  connect();
  const auto answer = rig_->call("strange", "{}");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().result, "");
  EXPECT_NE(answer.value().error.find("this gateway"), std::string::npos) << answer.value().error;
}

TEST_F(ModernHttp, AStreamThatBreaksOffDoesNotGoOn) {
  connect();

  for (const char* tool : {"break", "cut"}) {
    EXPECT_THAT(rig_->call(tool, "{}"), HasCode(Code::Unavailable)) << tool;
  }

  EXPECT_EQ(server_->count("GET", ""), 0);
  EXPECT_EQ(server_->count("POST", "tools/call"), 2) << "nothing is sent again";
}

TEST_F(ModernHttp, ACallThatIsGivenUpIsCancelledByClosingItsStream) {
  connect();
  {
    const auto ticket =
        rig_->session->call_tool("hang", "{}", rig_->loop.clock()->now() + std::chrono::minutes(1));
    ASSERT_THAT(ticket, IsOk());
    ASSERT_TRUE(rig_->loop.wait([this] { return server_->count("POST", "tools/call") == 1; }, 5s));
  }

  EXPECT_TRUE(closed());
  EXPECT_EQ(server_->count("POST", "notifications/cancelled"), 0);
  EXPECT_THAT(rig_->call("echo", R"({"text":"still there"})"), IsOk());
}

TEST_F(ModernHttp, ACallThatTakesTooLongIsCancelledByClosingItsStream) {
  connect();

  EXPECT_THAT(rig_->call("hang", "{}", 300ms), HasCode(Code::Deadline));

  EXPECT_TRUE(closed());
  EXPECT_EQ(server_->count("POST", "notifications/cancelled"), 0);
}

TEST_F(ModernHttp, AServerThatDiedIsNoticedByTheNextRequest) {
  connect();
  server_->kill();

  EXPECT_THAT(rig_->call("echo", R"({"text":"hi"})"), HasCode(Code::Unavailable));

  EXPECT_TRUE(rig_->loop.wait([this] { return rig_->gone > 0; }, 5s));
}

TEST(ModernStdio, ACallThatIsGivenUpIsCancelledByANotification) {
  StdioRig rig(fake_server({"--era", "dual"}));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.shake_hands(), IsOk());

  EXPECT_THAT(rig.call("sleep", R"({"ms":400})", 100ms), HasCode(Code::Deadline));
  const auto cancelled = rig.call("cancelled", "{}");

  ASSERT_THAT(cancelled, IsOk());
  EXPECT_NE(cancelled.value().result.find("[2]"), std::string::npos) << cancelled.value().result;
}

// Opens what the service opens for http and sse servers.
class HttpOrSse final : public LinkOpener {
 public:
  explicit HttpOrSse(ClientLinkDeps deps) : http_(deps), sse_(deps) {}

  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override {
    return server->type == ConnectionType::Sse ? sse_.open(server) : http_.open(server);
  }

 private:
  HttpOpener http_;
  SseOpener sse_;
};

using Running = RunningConnection<HttpOrSse>;

Result<Answer> call(Running* running, const std::string& tool, const std::string& arguments) {
  SLUICE_TRY(
      const auto ticket,
      running->connection.call_tool(tool, arguments, running->loop.clock()->now() + 5s)
  );
  running->loop.wait([&ticket] { return ticket->ended(); }, 5s);
  return ticket->take();
}

TEST(ModernConnection, MirrorsArgumentsAndLeavesOutToolsWhoseHeadersCannotBe) {
  const FakeHttpServer server({"--era", "modern"});
  Running running(server.config());
  ASSERT_TRUE(running.attempted());
  ASSERT_TRUE(running.connection.connected());

  for (const char* arguments :
       {R"({"region":"eu","flag":true,"deep":{"count":7}})",
        R"({"region":" größe\n","flag":null})",
        R"({"region":"=?base64?eA==?="})",
        "{}"}) {
    const auto answer = call(&running, "mirror", arguments);
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer.value().error, "") << arguments;
  }
  for (const char* tool : {"invalid_name", "invalid_type", "invalid_twice", "invalid_place"}) {
    EXPECT_EQ(running.connection.catalog()->find(tool), nullptr) << tool;
  }
  EXPECT_NE(running.connection.catalog()->find("echo"), nullptr);
}

TEST(ModernConnection, ToolsListedAnewMendRefusedHeaders) {
  const FakeHttpServer server({"--era", "dual"});
  Running running(server.config());
  ASSERT_TRUE(running.attempted());
  const auto refused = call(&running, "stale", "{}");
  ASSERT_THAT(refused, IsOk());
  ASSERT_TRUE(running.connection.wants_other_headers(refused.value()));

  EXPECT_THAT(
      running.loop.run(running.connection.list_tools(running.loop.clock()->now() + 5s)), IsOk()
  );

  const auto answer = call(&running, "stale", "{}");
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().error, "");
}

TEST(ModernConnection, ComesBackAfterTheServerWasRestarted) {
  FakeHttpServer server({"--era", "modern"});
  ServerConfig config = server.config();
  config.health_interval = 200ms;
  Running running(std::move(config));
  ASSERT_TRUE(running.attempted());
  EXPECT_EQ(running.connection.protocol_version(), kModernVersion);

  server.kill();
  EXPECT_TRUE(running.loop.wait([&] { return !running.connection.connected(); }, 10s));
  server.start();
  EXPECT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 20s));
}

TEST(PinnedConnection, AModernPinAsksNothingAndALegacyPinInitializesAtOnce) {
  const FakeHttpServer server({"--era", "dual"});
  ServerConfig legacy = server.config();
  legacy.pinned_version = "2025-06-18";
  Running old(std::move(legacy));
  ASSERT_TRUE(old.attempted());
  EXPECT_EQ(old.connection.protocol_version(), kLegacyVersion) << "what the server answered";
  ServerConfig modern = server.config();
  modern.pinned_version = kModernVersion;
  modern.health_interval = 100ms;
  Running current(std::move(modern));
  ASSERT_TRUE(current.attempted());
  EXPECT_EQ(current.connection.protocol_version(), kModernVersion);

  EXPECT_TRUE(current.loop.wait([&server] { return server.count("POST", "tools/list") >= 3; }, 5s))
      << "the health check";
  EXPECT_EQ(server.count("POST", "server/discover"), 0);
}

class WithoutPost : public ::testing::TestWithParam<const char*> {};

TEST_P(WithoutPost, AnHttpServerIsTriedOverHttpAndSse) {
  const FakeHttpServer server({"--only-sse", GetParam(), "--version", "2024-11-05"});
  Running running(server.config());
  ASSERT_TRUE(running.attempted());

  EXPECT_TRUE(running.connection.connected()) << running.connection.status().message();
  EXPECT_EQ(running.connection.protocol_version(), "2024-11-05");
  const auto echoed = call(&running, "echo", R"({"text":"hi"})");
  ASSERT_THAT(echoed, IsOk());
  EXPECT_NE(echoed.value().result.find("hi"), std::string::npos);
}

TEST_P(WithoutPost, WithoutHttpAndSseEitherTheFirstRefusalIsTold) {
  const FakeHttpServer server({"--only-sse", GetParam(), "--refuse", "404"});
  Running running(server.config());
  ASSERT_TRUE(running.attempted());

  EXPECT_EQ(running.connection.status().stage(), Stage::Initialize);
  EXPECT_NE(
      running.connection.status().message().find(std::string("HTTP status ") + GetParam()),
      std::string::npos
  ) << running.connection.status().message();
}

INSTANTIATE_TEST_SUITE_P(OfEveryStatus, WithoutPost, ::testing::Values("400", "404", "405"));

}  // namespace
}  // namespace sluice::mcp_connector
