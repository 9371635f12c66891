// MCP over Streamable HTTP against a real HTTP server with the bad manners seen in the field, and
// against server-everything where tests/e2e has it installed.
#include "tests/integration/connector_http_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

// Both ways a server may answer.
class HttpAnswers : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static std::vector<std::string> options() {
    return std::string(GetParam()).empty() ? std::vector<std::string>()
                                           : std::vector<std::string>{GetParam()};
  }
};

TEST_P(HttpAnswers, ListsCallsAndEndsTheSession) {
  const FakeHttpServer server(options());
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());

  const auto initialized = rig.initialize();
  ASSERT_THAT(initialized, IsOk());
  EXPECT_EQ(initialized.value().protocol_version, "2025-11-25");
  const auto tools = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 10s));
  ASSERT_THAT(tools, IsOk());
  EXPECT_GE(tools.value().size(), 12U);
  const auto echoed = rig.call("echo", R"({"text":"hi"})");
  ASSERT_THAT(echoed, IsOk());
  EXPECT_NE(echoed.value().result.find("hi"), std::string::npos);
  const auto large = rig.call("large", R"({"bytes":1000000})");
  ASSERT_THAT(large, IsOk());
  EXPECT_GT(large.value().result.size(), 1'000'000U);
  EXPECT_THAT(rig.loop.run(rig.session->ping(rig.loop.clock()->now() + 5s)), IsOk());
  rig.stop();

  EXPECT_EQ(server.count("DELETE", ""), 1);
  EXPECT_EQ(server.count("POST", "notifications/initialized"), 1);
}

INSTANTIATE_TEST_SUITE_P(AsEventsAndAsJson, HttpAnswers, ::testing::Values("", "--json"));

TEST_P(HttpAnswers, OneConnectionServesOneRequestAfterTheOther) {
  const FakeHttpServer server(options());
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());
  const auto before = server.connections();

  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(rig.call("echo", R"({"text":"hi"})"), IsOk());
    rig.loop.wait([] { return false; }, 50ms);  // the stream ends after its answer
  }

  EXPECT_LE(server.connections(), before + 2) << "one for requests, one for the GET stream";
}

class HttpTransport : public ::testing::Test {
 protected:
  void connect(std::vector<std::string> options = {}) {
    server_ = std::make_unique<FakeHttpServer>(std::move(options));
    rig_ = std::make_unique<HttpRig>(server_->config());
    ASSERT_THAT(rig_->open(), IsOk());
    ASSERT_THAT(rig_->initialize(), IsOk());
  }

  Result<Answer> call(const std::string& tool, const std::string& arguments = "{}") {
    return rig_->call(tool, arguments);
  }

  bool gone_within(std::chrono::milliseconds limit) {
    return rig_->loop.wait([this] { return rig_->gone > 0; }, limit);
  }

  std::unique_ptr<FakeHttpServer> server_;
  std::unique_ptr<HttpRig> rig_;
};

TEST_F(HttpTransport, SendsTheConfiguredHeadersTheSessionAndTheVersion) {
  const FakeHttpServer server;
  ServerConfig config = server.config();
  config.headers.emplace_back("Authorization", Secret<std::string>("Bearer s3cret"));
  HttpRig rig(std::move(config));
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  const auto seen = rig.call("headers", "{}");

  ASSERT_THAT(seen, IsOk());
  for (const char* part :
       {R"(\"authorization\": \"Bearer s3cret\")",
        R"(\"mcp-protocol-version\": \"2025-11-25\")",
        R"(\"accept\": \"application/json, text/event-stream\")",
        R"(\"mcp-session-id\": \")"}) {
    EXPECT_NE(seen.value().result.find(part), std::string::npos)
        << part << " in " << seen.value().result;
  }
}

TEST_F(HttpTransport, RequestsGoSideBySide) {
  connect();
  const TimePoint began = rig_->loop.clock()->now();
  std::vector<std::unique_ptr<McpSession::Ticket>> tickets;
  for (int i = 0; i < 8; ++i) {
    auto ticket = rig_->session->call_tool("sleep", R"({"ms":400})", began + 10s);
    ASSERT_THAT(ticket, IsOk());
    tickets.push_back(std::move(ticket).value());
  }

  for (const auto& ticket : tickets) {
    EXPECT_THAT(rig_->loop.run(ticket->next()), IsOk());
    EXPECT_THAT(ticket->take(), IsOk());
  }

  EXPECT_LT(rig_->loop.clock()->now() - began, 2s);
}

TEST_F(HttpTransport, ProgressComesInOrderBeforeTheAnswer) {
  connect();

  EXPECT_THAT(call("progress", R"({"steps":5})"), IsOk());

  ASSERT_EQ(rig_->progress.size(), 5U);
  for (std::size_t i = 0; i < rig_->progress.size(); ++i) {
    EXPECT_NE(rig_->progress[i].find("\"progress\": " + std::to_string(i)), std::string::npos)
        << rig_->progress[i];
  }
}

TEST_F(HttpTransport, AnAnswerAfterABreakIsFetched) {
  connect();

  const auto answer = call("break");

  ASSERT_THAT(answer, IsOk());
  EXPECT_NE(answer.value().result.find("after the break"), std::string::npos);
  EXPECT_EQ(server_->count("POST", "tools/call"), 1) << "a call is never sent twice";
}

TEST_F(HttpTransport, ACallWithoutAnAnswerFailsAloneAndAtOnce) {
  connect();
  for (const auto& [tool, arguments] :
       {std::pair{"cut", "{}"}, std::pair{"silent", "{}"}, std::pair{"fail", R"({"status":500})"}
       }) {
    const TimePoint began = rig_->loop.clock()->now();
    EXPECT_THAT(call(tool, arguments), HasCode(Code::Unavailable)) << tool;
    EXPECT_LT(rig_->loop.clock()->now() - began, 2s) << tool;
  }
  EXPECT_THAT(call("fail", R"({"status":401})"), HasCode(Code::Denied));

  EXPECT_THAT(call("echo", R"({"text":"still there"})"), IsOk());
  EXPECT_EQ(rig_->gone, 0);
}

TEST_F(HttpTransport, AJsonRpcErrorIsTheServersAnswerWhateverTheStatus) {
  connect();
  for (const char* status : {"200", "400", "500"}) {
    const auto answer = call("rpc_fail", std::string(R"({"status":)") + status + "}");

    ASSERT_THAT(answer, IsOk()) << status;
    EXPECT_NE(answer.value().error.find("-32603"), std::string::npos);
  }
  EXPECT_FALSE(gone_within(300ms));
}

TEST_F(HttpTransport, ListChangedComesOnTheStreamOfItsOwn) {
  connect();
  ASSERT_TRUE(rig_->loop.wait([this] { return server_->count("GET", "") > 0; }, 5s));

  EXPECT_THAT(call("change"), IsOk());

  EXPECT_TRUE(rig_->loop.wait([this] { return rig_->list_changes == 1; }, 5s));
}

TEST_F(HttpTransport, AServerWithoutGetOrSessionIsFine) {
  connect({"--no-get", "--stateless"});

  EXPECT_THAT(call("echo", R"({"text":"hi"})"), IsOk());
  EXPECT_FALSE(gone_within(300ms));
  rig_->stop();
  EXPECT_EQ(server_->count("DELETE", ""), 0);
}

TEST_F(HttpTransport, ASessionIdThatIsNoVisibleAsciiIsRefused) {
  const FakeHttpServer server({"--bad-session-id"});
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());

  EXPECT_THAT(rig.initialize(), HasCode(Code::Invalid));
}

class LostSession : public HttpTransport, public ::testing::WithParamInterface<const char*> {};

TEST_P(LostSession, EndsTheConnectionAndSendsNothingAgain) {
  connect({"--lost-status", GetParam(), "--no-get"});
  ASSERT_THAT(call("forget"), IsOk());

  EXPECT_THAT(call("echo", R"({"text":"hi"})"), HasCode(Code::Unavailable));

  EXPECT_TRUE(gone_within(5s));
  EXPECT_EQ(server_->count("POST", "tools/call"), 2);
  rig_->stop();
  EXPECT_EQ(server_->count("DELETE", ""), 0) << "a session that is gone needs no end";
}

INSTANTIATE_TEST_SUITE_P(NotFoundOrBadRequest, LostSession, ::testing::Values("404", "400"));

TEST_F(HttpTransport, AServerThatDiedIsNoticedByTheNextRequest) {
  connect();
  server_->kill();

  EXPECT_THAT(call("echo", R"({"text":"hi"})"), HasCode(Code::Unavailable));

  EXPECT_TRUE(gone_within(5s));
}

TEST_F(HttpTransport, AnAuthTypeOfALaterVersionIsRefusedPlainly) {
  const FakeHttpServer server;
  ServerConfig config = server.config();
  config.auth_type = "token_exchange";
  HttpRig rig(std::move(config));

  EXPECT_THAT(rig.open(), HasCode(Code::Invalid));
}

TEST(SseTransport, ListsCallsAndGetsProgressOverOneStream) {
  const FakeHttpServer server({"--version", "2024-11-05"});
  ServerConfig config = server.sse_config();
  config.headers.emplace_back("Authorization", Secret<std::string>("Bearer s3cret"));
  SseRig rig(std::move(config));
  ASSERT_THAT(rig.open(), IsOk());
  const auto initialized = rig.initialize();
  ASSERT_THAT(initialized, IsOk());
  EXPECT_EQ(initialized.value().protocol_version, "2024-11-05");

  const auto tools = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 10s));
  ASSERT_THAT(tools, IsOk());
  EXPECT_GE(tools.value().size(), 12U);
  const auto large = rig.call("large", R"({"bytes":1000000})");
  ASSERT_THAT(large, IsOk());
  EXPECT_GT(large.value().result.size(), 1'000'000U);
  EXPECT_THAT(rig.call("progress", R"({"steps":3})"), IsOk());
  EXPECT_EQ(rig.progress.size(), 3U);
  const auto seen = rig.call("headers", "{}");
  ASSERT_THAT(seen, IsOk());
  EXPECT_NE(seen.value().result.find("Bearer s3cret"), std::string::npos);
  EXPECT_THAT(rig.loop.run(rig.session->ping(rig.loop.clock()->now() + 5s)), IsOk());
}

TEST(SseTransport, ARefusedMessageFailsAloneAnEndedStreamEndsAll) {
  const FakeHttpServer server;
  SseRig rig(server.sse_config());
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.initialize(), IsOk());

  EXPECT_THAT(rig.call("fail", R"({"status":500})"), HasCode(Code::Unavailable));
  EXPECT_THAT(rig.call("echo", R"({"text":"still there"})"), IsOk());
  EXPECT_EQ(rig.gone, 0);
  EXPECT_THAT(rig.call("cut", "{}"), HasCode(Code::Unavailable));

  EXPECT_TRUE(rig.loop.wait([&] { return rig.gone > 0; }, 5s));
}

TEST(SseTransport, CannotBeOpenedWithoutAnEndpointOfItsOwnOrigin) {
  const FakeHttpServer foreign({"--endpoint", "http://127.0.0.2:1/message"});
  const FakeHttpServer refusing({"--refuse", "401"});
  ServerConfig no_stream = refusing.config();
  no_stream.type = ConnectionType::Sse;
  no_stream.address = Secret<std::string>(refusing.url("/journal"));

  SseRig to_foreign(foreign.sse_config());
  SseRig to_refusing(refusing.sse_config());
  SseRig to_no_stream(std::move(no_stream));

  EXPECT_THAT(to_foreign.open(), HasCode(Code::Invalid));
  EXPECT_THAT(to_refusing.open(), HasCode(Code::Denied));
  EXPECT_THAT(to_no_stream.open(), HasCode(Code::Unavailable));
}

TEST(EndpointUrl, StaysWithinTheStreamsOrigin) {
  const std::string_view stream = "https://a.example:8443/v1/sse?key=k";
  EXPECT_EQ(endpoint_url(stream, "/message?s=1"), "https://a.example:8443/message?s=1");
  EXPECT_EQ(endpoint_url(stream, "message?s=1"), "https://a.example:8443/v1/message?s=1");
  EXPECT_EQ(
      endpoint_url(stream, "https://a.example:8443/m?to=http://x/"),
      "https://a.example:8443/m?to=http://x/"
  );
  EXPECT_EQ(endpoint_url("http://a", "m"), "http://a/m");
  for (const char* elsewhere :
       {"",
        "//evil.example/m",
        "/\\evil.example",
        "http://a.example:8443/m",
        "https://a.example/m",
        "https://a.example:84430/m",
        "https://a.example:8443@evil.example/m",
        "javascript://a"}) {
    EXPECT_EQ(endpoint_url(stream, elsewhere), std::nullopt) << elsewhere;
  }
}

TEST(HttpConnection, ComesBackWithANewSessionAfterTheServerWasRestarted) {
  FakeHttpServer server;
  ServerConfig config = server.config();
  config.health_interval = 200ms;
  RunningConnection<HttpOpener> running(std::move(config));
  ASSERT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 10s));

  server.kill();
  EXPECT_TRUE(running.loop.wait([&] { return !running.connection.connected(); }, 10s));
  server.start();
  EXPECT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 20s));
}

TEST(HttpConnection, ChangedPromptsAreListedAnew) {
  const FakeHttpServer server({"--prompts"});
  RunningConnection<HttpOpener> running(server.config());
  ASSERT_TRUE(running.loop.wait([&] { return running.connection.connected(); }, 10s));
  ASSERT_EQ(running.connection.catalog()->offerings().prompts.size(), 1U);
  ASSERT_TRUE(running.loop.wait([&] { return server.count("GET", "") > 0; }, 5s));

  const auto ticket =
      running.connection.call_tool("change", "{}", running.loop.clock()->now() + 5s);

  ASSERT_THAT(ticket, IsOk());
  EXPECT_TRUE(running.loop.wait(
      [&] { return running.connection.catalog()->offerings().prompts.size() == 2; }, 5s
  ));
}

// server-everything as it is published, over either transport.
class PublishedHttpServer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(program_)) {
      GTEST_SKIP() << "server-everything is not installed; run npm ci in tests/e2e";
    }
  }

  ServerConfig start(const std::string& transport, ConnectionType type, const std::string& path) {
    const std::uint16_t port = tests::free_port();
    auto spawned = tests::Process::spawn(
        {.argv = {"node", program_, transport},
         .environment = {{"PORT", std::to_string(port)}},
         .output_file = directory_.file("output"),
         .working_directory = ""}
    );
    SLUICE_CHECK(spawned.ok(), "node is there");
    process_ = std::move(spawned).value();
    EXPECT_TRUE(tests::eventually(
        [this, port] {
          return tests::read_text(directory_.file("output")).find(std::to_string(port)) !=
                 std::string::npos;
        },
        30s
    )) << tests::read_text(directory_.file("output"));
    ServerConfig config = stdio_server("published");
    config.type = type;
    config.address = Secret<std::string>("http://127.0.0.1:" + std::to_string(port) + path);
    config.allowed_private_networks = {"127.0.0.0/8"};
    return config;
  }

  template <class Rig>
  void use(Rig& rig) {
    ASSERT_THAT(rig.open(), IsOk());
    ASSERT_THAT(rig.initialize(), IsOk());
    const auto listed = rig.loop.run(rig.session->list_tools(rig.loop.clock()->now() + 20s));
    ASSERT_THAT(listed, IsOk());
    EXPECT_GE(listed.value().size(), 10U);
    const auto answer = rig.call("echo", R"({"message":"hi"})");
    ASSERT_THAT(answer, IsOk());
    EXPECT_NE(answer.value().result.find("hi"), std::string::npos);
  }

 private:
  std::string program_ = tests::source_directory() +
                         "/tests/e2e/node_modules/@modelcontextprotocol/server-everything/dist/"
                         "index.js";
  tests::TemporaryDirectory directory_;
  std::unique_ptr<tests::Process> process_;
};

TEST_F(PublishedHttpServer, EverythingIsUsedOverStreamableHttp) {
  HttpRig rig(start("streamableHttp", ConnectionType::Http, "/mcp"));
  use(rig);
}

TEST_F(PublishedHttpServer, EverythingIsUsedOverHttpAndSse) {
  SseRig rig(start("sse", ConnectionType::Sse, "/sse"));
  use(rig);
}

// A server at a non-public address: nothing reaches it unless its network is allowed.
template <class Opener>
void expect_kept_away(const FakeHttpServer& server, ServerConfig config) {
  for (const auto& networks :
       {std::vector<std::string>{}, std::vector<std::string>{"10.0.0.0/8", "127.0.0.2/32"}}) {
    config.allowed_private_networks = networks;
    RunningConnection<Opener> running(config);
    ASSERT_TRUE(running.attempted());

    const ServerStatus& status = running.connection.status();
    EXPECT_EQ(status.state(), connector::v1::SERVER_STATE_ERROR);
    EXPECT_EQ(status.stage(), Stage::Connect);
    EXPECT_NE(
        status.message().find("add its network to allowed_private_networks"), std::string::npos
    ) << status.message();
    EXPECT_EQ(server.connections(), 0);
  }
  config.allowed_private_networks = {"127.0.0.1/32"};
  RunningConnection<Opener> running(config);
  ASSERT_TRUE(running.attempted());
  EXPECT_TRUE(running.connection.connected());
}

TEST(AddressGuard, KeepsAStreamableHttpServerAtANonPublicAddressAway) {
  const FakeHttpServer server;
  expect_kept_away<HttpOpener>(server, server.config());
}

TEST(AddressGuard, KeepsAnSseServerAtANonPublicAddressAway) {
  const FakeHttpServer server;
  expect_kept_away<SseOpener>(server, server.sse_config());
}

TEST(AddressGuard, JudgesWhatAnOddSpellingOfAnAddressMeans) {
  const FakeHttpServer server;
  const std::string url = server.url("/mcp");
  for (const char* host :
       {"localhost", "0x7f.1", "2130706433", "0177.0.0.1", "[::ffff:127.0.0.1]"}) {
    ServerConfig config = server.config();
    config.allowed_private_networks.clear();
    config.address =
        Secret<std::string>("http://" + std::string(host) + url.substr(url.rfind(':')));
    HttpRig rig(std::move(config));
    EXPECT_THAT(rig.open(), HasCode(Code::Denied)) << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace sluice::mcp_connector
