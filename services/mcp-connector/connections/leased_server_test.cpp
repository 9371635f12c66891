#include "services/mcp-connector/connections/leased_server.h"

#include "services/mcp-connector/testing/fixture.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two replicas with the same server, on one clock and one board of leases.
class LeasedServerTest : public ::testing::Test {
 public:
  ~LeasedServerTest() override {
    for (const auto& replica : replicas_) {
      replica->server->stop();
    }
    for (const auto& replica : replicas_) {
      EXPECT_TRUE(loop_.advance_until([&replica] { return replica->running->done(); }));
    }
  }

 protected:
  struct Replica;

  Result<std::shared_ptr<ServerConnection>> connection_for(
      Replica* replica, const std::string& caller, const std::string& session = {}
  ) {
    return loop_.finish(replica->server->connection_for(
        {.id = caller, .session = session, .token_owner = caller}, loop_.clock.now() + seconds(5)
    ));
  }

  struct Replica {
    Replica(LeasedServerTest* test, std::string name)
        : leases(&test->board_, name, &test->loop_.clock) {
      scripted.list(R"([{"name":"a"}])");
      server = std::make_unique<LeasedServer>(
          LeasedServer::Deps{
              .executor = test->loop_.executor(),
              .clock = &test->loop_.clock,
              .log = &test->log_,
              .metrics = test->metrics_.get(),
              .opener = &scripted,
              .leases = &leases,
              .states = &test->states_,
              .announcer = &announcer,
              .subjects = &subjects,
              .audit = &audit,
              .instance = name,
              .seed = std::hash<std::string>{}(name),
              .held = [this] { return server->holds_lease() ? std::size_t{1} : std::size_t{0}; },
          },
          std::shared_ptr<const ServerConfig>(std::shared_ptr<void>(), &test->config_)
      );
    }

    ScriptedServer scripted;
    FakeLeases leases;
    RecordingAnnouncer announcer;
    FakeSubjects subjects;
    audit::RecordingClient audit;
    std::unique_ptr<LeasedServer> server;
    std::shared_ptr<Started<void>> running;
  };

  Replica* start(const std::string& name) {
    replicas_.push_back(std::make_unique<Replica>(this, name));
    Replica* replica = replicas_.back().get();
    replica->running = loop_.start(replica->server->run());
    return replica;
  }

  bool connects(Replica* replica, milliseconds limit = seconds(10)) {
    return loop_.advance_until([replica] { return replica->server->connected(); }, limit);
  }

  TestLoop loop_;
  QuietLog log_;
  std::unique_ptr<observability::Metrics> metrics_ = observability::make_metrics();
  LeaseBoard board_;
  FakeStates states_;
  ServerConfig config_ = stdio_server("s");
  std::vector<std::unique_ptr<Replica>> replicas_;
};

TEST_F(LeasedServerTest, TheHolderServesAndTheOtherDoesNot) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  auto* second = start("c2");
  loop_.advance(seconds(10));

  EXPECT_TRUE(first->server->holds_lease());
  EXPECT_EQ(first->subjects.serving(config_.id), 2);
  EXPECT_FALSE(second->server->holds_lease());
  EXPECT_EQ(second->subjects.serving(config_.id), 0);
  EXPECT_EQ(second->scripted.opened(), 0);
}

TEST_F(LeasedServerTest, StopGivesTheLeaseToTheOtherWithALaterEpoch) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));
  const auto epoch = first->server->snapshot().lease_epoch();
  auto* second = start("c2");

  first->server->stop();

  EXPECT_TRUE(connects(second, seconds(3)));
  EXPECT_FALSE(first->scripted.running());
  EXPECT_GT(second->server->snapshot().lease_epoch(), epoch);
}

TEST_F(LeasedServerTest, AHolderCutOffFromRedisEndsItsServerBeforeTheOtherStartsOne) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));
  auto* second = start("c2");

  first->leases.set_down(true);
  bool both = false;
  const bool taken_over = loop_.advance_until(
      [&] {
        both = both || (first->server->holds_lease() && second->server->holds_lease());
        return second->server->connected();
      },
      seconds(8)
  );

  EXPECT_TRUE(taken_over);
  EXPECT_FALSE(both);
  EXPECT_FALSE(first->scripted.running());
  EXPECT_EQ(first->subjects.serving(config_.id), 0);
}

TEST_F(LeasedServerTest, AShortOutageOfRedisChangesNothing) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  first->leases.set_down(true);
  loop_.advance(milliseconds(1500));
  first->leases.set_down(false);
  loop_.advance(seconds(5));

  EXPECT_TRUE(first->server->connected());
  EXPECT_EQ(first->scripted.opened(), 1);
}

TEST_F(LeasedServerTest, ALeaseTakenByAnotherIsGivenUpAtTheNextRenewal) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  board_.entries[config_.id.str()] = {
      .holder = "other", .epoch = 99, .until = loop_.clock.now() + seconds(60)
  };
  loop_.advance(milliseconds(1300));

  EXPECT_FALSE(first->server->holds_lease());
  EXPECT_FALSE(first->scripted.running());
  EXPECT_EQ(first->server->catalog(), nullptr);
}

TEST_F(LeasedServerTest, TheNextHolderListsTheToolsBeforeItIsConnected) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));
  const auto hash = first->server->catalog()->hash();
  auto* second = start("c2");
  second->scripted.fail_to_open(true);

  first->server->stop();
  ASSERT_TRUE(loop_.advance_until([second] { return second->server->holds_lease(); }, seconds(5)));
  loop_.settle();

  EXPECT_EQ(second->server->snapshot().definitions_hash(), hash);
  EXPECT_EQ(second->server->snapshot().tools_size(), 1);
}

TEST_F(LeasedServerTest, AnnouncesAndRecordsChangesOnce) {
  auto* first = start("c1");
  first->scripted.fail_to_open(true);
  loop_.advance(seconds(60));
  const auto failures = first->audit.with_action("server.state").size();

  first->scripted.fail_to_open(false);
  ASSERT_TRUE(connects(first, seconds(60)));
  loop_.settle();

  EXPECT_EQ(failures, 1U);
  EXPECT_EQ(first->audit.with_action("server.state").size(), 2U);
  EXPECT_EQ(first->announcer.catalogs.size(), 1U);
  EXPECT_EQ(first->announcer.servers.back().state(), connector::v1::SERVER_STATE_CONNECTED);
  EXPECT_EQ(states_.copies.at(config_.id.str()).state(), connector::v1::SERVER_STATE_CONNECTED);
}

TEST_F(LeasedServerTest, EmptyStoresDoNotKeepAServerFromConnecting) {
  states_.set_down(true);
  auto* first = start("c1");

  EXPECT_TRUE(connects(first));
}

TEST_F(LeasedServerTest, ACallWithoutTheLeaseIsNotSent) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));
  first->leases.set_down(true);
  loop_.advance(milliseconds(3500));

  const auto connection = connection_for(first, "ada");

  EXPECT_THAT(connection, testing::HasCode(Code::Unavailable));
  EXPECT_EQ(first->scripted.count("tools/call"), 0U);
}

TEST_F(LeasedServerTest, CallersOfASharedServerHaveOneConnection) {
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  const auto ada = connection_for(first, "ada");
  const auto bob = connection_for(first, "bob");

  ASSERT_THAT(ada, testing::IsOk());
  ASSERT_THAT(bob, testing::IsOk());
  EXPECT_EQ(ada.value(), bob.value());
  EXPECT_EQ(first->scripted.opened(), 1);
}

TEST_F(LeasedServerTest, CallersOfOneThatIsNotSharedHaveTheirOwn) {
  config_.sharing = Sharing::PerPrincipal;
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  const auto ada = connection_for(first, "ada", "session-1");
  const auto again = connection_for(first, "ada", "session-2");
  const auto bob = connection_for(first, "bob");

  ASSERT_THAT(ada, testing::IsOk());
  ASSERT_THAT(again, testing::IsOk());
  ASSERT_THAT(bob, testing::IsOk());
  EXPECT_EQ(ada.value(), again.value());
  EXPECT_NE(ada.value(), bob.value());
  EXPECT_EQ(first->scripted.opened(), 3);
}

TEST_F(LeasedServerTest, AnAdminCallsAsTheGatewayWhereUsersHaveTokensOfTheirOwn) {
  config_.sharing = Sharing::PerPrincipal;
  config_.auth_type = "per_user_oauth";
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  const auto ada = connection_for(first, "ada");
  ASSERT_THAT(ada, testing::IsOk());
  EXPECT_EQ(first->scripted.opened(), 2);
  const auto admin = loop_.finish(first->server->connection_for(
      {.id = "root", .session = {}, .token_owner = {}}, loop_.clock.now() + seconds(5)
  ));

  ASSERT_THAT(admin, testing::IsOk());
  EXPECT_NE(admin.value(), ada.value());
  EXPECT_EQ(first->scripted.opened(), 2);
}

TEST_F(LeasedServerTest, SessionsOfOneCallerHaveTheirOwnWhereTheServerSaysSo) {
  config_.sharing = Sharing::PerSession;
  auto* first = start("c1");
  ASSERT_TRUE(connects(first));

  const auto one = connection_for(first, "ada", "session-1");
  const auto other = connection_for(first, "ada", "session-2");
  const auto none = connection_for(first, "ada");

  ASSERT_THAT(one, testing::IsOk());
  ASSERT_THAT(other, testing::IsOk());
  ASSERT_THAT(none, testing::IsOk());
  EXPECT_NE(one.value(), other.value());
  EXPECT_NE(one.value(), none.value());
  EXPECT_EQ(first->scripted.opened(), 4);
}

TEST(UnconnectedCatalog, SaysThatTheServerIsDisabled) {
  ServerConfig off = stdio_server("h");
  off.disabled = true;

  const auto catalog = unconnected_catalog(off);

  EXPECT_FALSE(is_served(off));
  EXPECT_EQ(catalog.state(), connector::v1::SERVER_STATE_DISCONNECTED);
  EXPECT_NE(catalog.message().find("disabled"), std::string::npos);
  EXPECT_EQ(catalog.definitions_hash(), ToolCatalog().hash());
}

}  // namespace
}  // namespace sluice::mcp_connector
