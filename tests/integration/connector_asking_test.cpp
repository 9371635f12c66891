// Servers that ask, log and tell in the middle of a request, over every transport and in both eras.
#include "tests/integration/connector_http_rig.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using namespace std::chrono_literals;
using testing::IsOk;

const ForCaller kAll{
    .capabilities = R"({"sampling":{},"elicitation":{},"roots":{}})", .log_level = {}, .input = {}
};
const std::vector<std::string> kMethods{
    "sampling/createMessage", "elicitation/create", "roots/list"
};

std::string text_of(const Result<Answer>& answer) {
  if (!answer.ok()) {
    return answer.error().to_log();
  }
  const auto value = json::parse(answer.value().result);
  const json::Value* content = value.ok() ? value.value().find("content") : nullptr;
  return content == nullptr ? answer.value().error
                            : content->as_array()->front().text_or("text", "");
}

// Asks for all three, with and without a caller that can answer.
void ask(ServerRig* rig) {
  ASSERT_THAT(rig->shake_hands(), IsOk());
  for (const std::string& method : kMethods) {
    const std::string arguments = R"({"method":")" + method + R"("})";
    const auto answered = rig->call_for(kAll, "question", arguments);
    EXPECT_NE(text_of(answered).find(R"("n": 1.0)"), std::string::npos) << text_of(answered);
    ASSERT_FALSE(rig->questions.empty());
    EXPECT_EQ(rig->questions.back().method, method);
    EXPECT_EQ(rig->questions.back().params, R"({"maxTokens": 1})");

    const auto refused = rig->call_for({}, "question", arguments);
    const bool is_roots = method == "roots/list";
    EXPECT_NE(
        text_of(refused).find(is_roots ? R"("roots": [])" : R"("requiredCapabilities")"),
        std::string::npos
    ) << text_of(refused);
  }
  EXPECT_EQ(rig->questions.size(), kMethods.size());
  rig->reply = {.result = {}, .error = R"({"code":-1,"message":"declined"})"};
  const auto declined = rig->call_for(kAll, "question", R"({"method":"sampling/createMessage"})");
  EXPECT_NE(text_of(declined).find("declined"), std::string::npos);
}

TEST(Asking, ALegacyServerOverStdioIsAnswered) {
  StdioRig rig(fake_server({}));
  ASSERT_THAT(rig.open(), IsOk());

  ask(&rig);
}

TEST(Asking, ALegacyServerOverHttpIsAnsweredOnASecondRequest) {
  const FakeHttpServer server;
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());

  ask(&rig);
  rig.stop();
}

TEST(Asking, OverHttpTheStreamTellsWhichOfTwoCallsIsMeant) {
  const FakeHttpServer server;
  HttpRig rig(server.config());
  ASSERT_THAT(rig.open(), IsOk());
  ASSERT_THAT(rig.shake_hands(), IsOk());
  const auto other =
      rig.session->call_tool("sleep", R"({"ms":3000})", rig.loop.clock()->now() + 10s, {}, kAll);
  ASSERT_THAT(other, IsOk());

  const auto answered = rig.call_for(kAll, "question", R"({"method":"roots/list"})");

  EXPECT_NE(text_of(answered).find(R"("n": 1.0)"), std::string::npos) << text_of(answered);
}

TEST(Asking, AModernServerGetsItsStateAndTheAnswersBack) {
  for (const bool over_http : {true, false}) {
    const FakeHttpServer server({"--era", "modern"});
    HttpRig http(server.config());
    StdioRig stdio(fake_server({"--era", "modern"}));
    ServerRig& rig = over_http ? static_cast<ServerRig&>(http) : stdio;
    ASSERT_THAT(over_http ? http.open() : stdio.open(), IsOk());
    ASSERT_THAT(rig.shake_hands(), IsOk());
    ForCaller caller = kAll;

    const auto asked = rig.call_for(caller, "ask", "{}");
    ASSERT_THAT(asked, IsOk());
    ASSERT_TRUE(asked.value().asks) << asked.value().error;
    const auto request = parse_input_request(asked.value().result);
    ASSERT_THAT(request, IsOk());
    EXPECT_EQ(to_json(request.value().questions), R"({"q":{"method":"elicitation/create"}})");
    caller.input = input_members({{"q", R"({"action":"accept"})"}}, request.value().state);
    const auto answered = rig.call_for(caller, "ask", "{}");

    EXPECT_EQ(
        text_of(answered),
        R"([{"q": {"action": "accept"}}, {"sampling": {}, "elicitation": {}, "roots": {}}])"
    );
  }
}

TEST(Asking, LogMessagesComeAtTheLevelThatIsWanted) {
  StdioRig stdio(fake_server({"--tells"}));
  ASSERT_THAT(stdio.open(), IsOk());
  const FakeHttpServer server;
  HttpRig http(server.config());
  ASSERT_THAT(http.open(), IsOk());
  for (ServerRig* rig : {static_cast<ServerRig*>(&stdio), static_cast<ServerRig*>(&http)}) {
    ASSERT_THAT(rig->shake_hands(), IsOk());
    ForCaller caller;
    caller.log_level = "warning";

    const auto answer = rig->call_for(caller, "log", R"({"level":"error"})");

    ASSERT_THAT(answer, IsOk());
    ASSERT_EQ(rig->progress.size(), 1U);
    EXPECT_NE(rig->progress[0].find(R"("level": "error")"), std::string::npos);
    EXPECT_THAT(rig->call_for({}, "log", R"({"level":"error"})"), IsOk());
    EXPECT_EQ(rig->progress.size(), 1U);
  }
  EXPECT_EQ(server.count("POST", "logging/setLevel"), 1);
}

// A connection as the service has it, and what it tells of.
class Telling {
 public:
  explicit Telling(ServerConfig server, LinkOpener* opener, RealLoop* loop)
      : server_(std::move(server)),
        loop_(loop),
        connection_(
            {.executor = loop->executor(),
             .clock = loop->clock(),
             .log = &log_,
             .opener = opener,
             .server = &server_,
             .seed = 1,
             .on_status = [] {},
             .on_catalog = [] {},
             .on_resource_updated = [this](const std::string& uri) { told_.push_back(uri); }},
            std::make_shared<const ToolCatalog>()
        ) {
    tasks_.spawn("run", connection_.run());
    EXPECT_TRUE(loop_->wait([this] { return connection_.connected(); }, 10s));
  }

  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;
  Telling(Telling&&) = delete;
  Telling& operator=(Telling&&) = delete;

  ~Telling() {
    connection_.stop();
    EXPECT_TRUE(loop_->run(tasks_.close()).ok());
  }

  Result<Answer> watch(const std::string& uri) {
    return loop_->run(connection_.watch_resource(uri, loop_->clock()->now() + 5s));
  }

  bool is_told(const std::string& uri) {
    return loop_->wait(
        [this, &uri] { return std::find(told_.begin(), told_.end(), uri) != told_.end(); }, 5s
    );
  }

  ServerConnection& connection() { return connection_; }

  [[nodiscard]] std::size_t told() const { return told_.size(); }

 private:
  ServerConfig server_;
  RealLoop* loop_;
  QuietLog log_;
  std::vector<std::string> told_;
  async::TaskGroup tasks_{loop_->executor(), async::TaskGroup::OnError()};
  ServerConnection connection_;
};

Async<void> touch(ServerConnection* connection, RealLoop* loop) {
  SLUICE_CO_TRY(
      const auto ticket,
      connection->call_tool("touch", R"({"uri":"a://1"})", loop->clock()->now() + 5s)
  );
  while (true) {
    SLUICE_CO_TRY(const auto event, co_await ticket->next());
    if (!event) {
      const auto answer = ticket->take();
      connection->call_ended(answer.ok() ? nullptr : &answer.error(), 1ms);
      co_return Result<void>();
    }
  }
}

TEST(Telling, ALegacyServerTellsOfWhatIsSubscribedTo) {
  RealLoop loop;
  QuietLog log;
  StdioOpener opener(
      {.executor = loop.executor(),
       .clock = loop.clock(),
       .log = &log,
       .environment = test_environment()}
  );
  Telling telling(fake_server({"--tells"}), &opener, &loop);
  EXPECT_TRUE(telling.connection().capabilities().has_subscriptions);
  EXPECT_EQ(telling.connection().instructions(), "be kind");
  ASSERT_THAT(loop.run(touch(&telling.connection(), &loop)), IsOk());
  EXPECT_EQ(telling.told(), 0U) << "nobody subscribed";

  const auto answer = telling.watch("a://1");
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().result, "{}");
  ASSERT_THAT(loop.run(touch(&telling.connection(), &loop)), IsOk());

  EXPECT_TRUE(telling.is_told("a://1"));
  EXPECT_LE(telling.told(), 2U) << "of three in quick succession";
}

TEST(Telling, AModernServerTellsOnAStreamOfItsOwn) {
  RealLoop loop;
  QuietLog log;
  const FakeHttpServer server({"--era", "modern", "--tells"});
  const auto client = http::Client::make(loop.executor(), loop.clock(), {});
  HttpOpener opener(
      {.executor = loop.executor(), .clock = loop.clock(), .log = &log, .client = client.get()}
  );
  Telling telling(server.config(), &opener, &loop);

  const auto answer = telling.watch("a://1");

  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer.value().result, "{}") << answer.value().error;
  EXPECT_TRUE(telling.is_told("a://1"));
  EXPECT_EQ(server.count("POST", "subscriptions/listen"), 2) << "for lists, then for both";
  EXPECT_TRUE(
      loop.wait([&server] { return server.count("CLOSED", "subscriptions/listen") == 1; }, 5s)
  );
}

}  // namespace
}  // namespace sluice::mcp_connector
