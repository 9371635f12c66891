#include "services/mcp-connector/connections/caller_connections.h"

#include "services/mcp-connector/limits.h"
#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::seconds;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

// A fresh process for each connection, as of a stdio server.
class Processes final : public LinkOpener {
 public:
  Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override {
    token_owners.push_back(server->token_owner);
    if (unauthorized) {
      co_return Error(Code::Unauthenticated, "authorize the gateway");
    }
    started.push_back(std::make_unique<ScriptedServer>());
    started.back()->list(kTwoTools);
    started.back()->fail_to_open(fails);
    co_return co_await started.back()->open(server);
  }

  [[nodiscard]] std::size_t running() const {
    std::size_t count = 0;
    for (const auto& one : started) {
      count += one->running() ? 1 : 0;
    }
    return count;
  }

  std::vector<std::unique_ptr<ScriptedServer>> started;
  std::vector<std::string> token_owners;  // one for each attempt
  bool fails = false;
  bool unauthorized = false;
};

class CallerConnectionsTest : public ::testing::Test {
 public:
  CallerConnectionsTest()
      : connections_(
            {.executor = loop_.executor(),
             .clock = &loop_.clock,
             .log = &log_,
             .opener = &processes_,
             .server = &server_,
             .seed = [] { return std::uint64_t{1}; }}
        ),
        sweeping_(loop_.start(connections_.sweep())) {}

  ~CallerConnectionsTest() override {
    connections_.stop();
    EXPECT_THAT(loop_.finish(connections_.close()), IsOk());
    EXPECT_TRUE(loop_.advance_until([this] { return sweeping_->done(); }));
    EXPECT_EQ(processes_.running(), 0U);
  }

 protected:
  Result<std::shared_ptr<ServerConnection>> get(const std::string& key) {
    return loop_.finish(connections_.get(caller(key), loop_.clock.now() + seconds(5)));
  }

  static Caller caller(const std::string& id) {
    return {.id = id, .session = {}, .token_owner = id};
  }

  TestLoop loop_;
  QuietLog log_;
  Processes processes_;
  ServerConfig server_ = stdio_server("files");
  CallerConnections connections_;
  std::shared_ptr<Started<void>> sweeping_;
};

TEST_F(CallerConnectionsTest, EachCallerHasItsOwnAndFindsItAgain) {
  const auto ada = get("ada");
  const auto bob = get("bob");
  const auto again = get("ada");
  ASSERT_THAT(ada, IsOk());
  ASSERT_THAT(bob, IsOk());
  ASSERT_THAT(again, IsOk());
  EXPECT_NE(ada.value(), bob.value());
  EXPECT_EQ(ada.value(), again.value());
  EXPECT_TRUE(bob.value()->connected());
  EXPECT_EQ(processes_.running(), 2U);
}

TEST_F(CallerConnectionsTest, CallsAtTheSameTimeShareOneStart) {
  const auto first = loop_.start(connections_.get(caller("ada"), loop_.clock.now() + seconds(5)));
  const auto second = loop_.start(connections_.get(caller("ada"), loop_.clock.now() + seconds(5)));
  ASSERT_TRUE(loop_.advance_until([&] { return first->done() && second->done(); }));
  ASSERT_THAT(*first->result, IsOk());
  ASSERT_THAT(*second->result, IsOk());
  EXPECT_EQ(processes_.started.size(), 1U);
}

TEST_F(CallerConnectionsTest, AnUnusedOneEnds) {
  ASSERT_THAT(get("ada"), IsOk());
  loop_.advance(kCallerConnectionIdle / 2);
  ASSERT_THAT(get("bob"), IsOk());
  loop_.advance(kCallerConnectionIdle / 2 + 2 * kCallerConnectionSweep);
  EXPECT_EQ(connections_.size(), 1U);
  EXPECT_EQ(processes_.running(), 1U);
  ASSERT_THAT(get("ada"), IsOk());
  EXPECT_EQ(processes_.started.size(), 3U);
}

TEST_F(CallerConnectionsTest, TheLongestUnusedGivesWayAndOneInUseDoesNot) {
  const auto oldest = get("0");
  ASSERT_THAT(oldest, IsOk());
  const auto call = oldest.value()->call_tool("read_file", "{}", loop_.clock.now() + seconds(600));
  ASSERT_THAT(call, IsOk());
  for (std::size_t i = 1; i <= kCallerConnectionsMax; ++i) {
    loop_.advance(std::chrono::milliseconds(10));
    ASSERT_THAT(get(std::to_string(i)), IsOk());
  }
  EXPECT_EQ(connections_.size(), kCallerConnectionsMax);
  EXPECT_TRUE(oldest.value()->connected());
  EXPECT_FALSE(processes_.started[1]->running());
  EXPECT_TRUE(processes_.started[2]->running());
}

TEST_F(CallerConnectionsTest, AServerThatCannotBeStartedSaysSoAtOnce) {
  processes_.fails = true;
  const auto refused = get("ada");
  EXPECT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_FALSE(get("ada").ok());
}

TEST_F(CallerConnectionsTest, OneThatWasNotAuthorizedIsTriedAgainByTheNextCall) {
  server_.auth_type = "per_user_oauth";
  processes_.unauthorized = true;
  const auto refused = get("ada");
  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_THAT(refused.error().message(), HasSubstr("authorize the gateway"));
  processes_.unauthorized = false;
  const TimePoint before = loop_.clock.now();

  EXPECT_THAT(get("ada"), IsOk());

  EXPECT_LT(loop_.clock.now() - before, kReconnectFirst);
  EXPECT_EQ(processes_.token_owners, (std::vector<std::string>{"ada", "ada"}));
}

TEST_F(CallerConnectionsTest, OneThatTakesTooLongIsADeadline) {
  server_.start_timeout = seconds(60);
  server_.pinned_version = "2025-11-25";

  class Mute final : public LinkOpener {
   public:
    explicit Mute(ScriptedServer* server) : server_(server) {
      server_->on("initialize", [](const mcp::Message&) { return std::nullopt; });
    }

    Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) override {
      return server_->open(server);
    }

   private:
    ScriptedServer* server_;
  };

  ScriptedServer silent;
  Mute opener(&silent);
  CallerConnections slow(
      {.executor = loop_.executor(),
       .clock = &loop_.clock,
       .log = &log_,
       .opener = &opener,
       .server = &server_,
       .seed = [] { return std::uint64_t{1}; }}
  );
  const auto late = loop_.finish(slow.get(caller("ada"), loop_.clock.now() + seconds(2)));
  EXPECT_THAT(late, HasCode(Code::Deadline));
  slow.stop();
  EXPECT_THAT(loop_.finish(slow.close()), IsOk());
}

TEST_F(CallerConnectionsTest, NothingBeginsAfterTheEnd) {
  connections_.stop();
  const auto refused = get("ada");
  EXPECT_THAT(refused, HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector
