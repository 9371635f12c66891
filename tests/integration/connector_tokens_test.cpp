// What OAuth keeps in a real Postgres, with the service's own role over the real migrations.
#include "services/mcp-connector/adapters/postgres_tokens.h"
#include "services/mcp-connector/oauth/limits.h"
#include "tests/integration/migrated_rig.h"

#include "common/base/bytes.h"

#include <gmock/gmock.h>

#include <chrono>

namespace sluice::mcp_connector {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

const oauth::TokenOwner kOwner{"0123456789abcdef", ""};

class ConnectorTokens : public postgres::MigratedTest {
 protected:
  void SetUp() override {
    MigratedTest::SetUp();
    pool_ = open(as_role("mcp_connector"));
  }

  PostgresTokens store(char key = 'a') {
    return PostgresTokens(
        {.pool = pool_.get(),
         .clock = &clock_,
         .key = crypto::SealingKey::from_hex(Secret<std::string>(std::string(64, key))).value()}
    );
  }

  template <class T>
  T run(Async<T> operation) {
    auto result = run_sync(loop_, std::move(operation));
    SLUICE_CHECK(result.ok(), result.error().to_log().c_str());
    return std::move(result).value();
  }

  void run(Async<void> operation) { ASSERT_THAT(run_sync(loop_, std::move(operation)), IsOk()); }

  // All rows of the table as text; bytes in hexadecimal.
  std::string rows_of(const std::string& table) {
    auto rows = query(
        *pool_, "SELECT coalesce(string_agg(t::text, ' '), '') FROM connector." + table + " t"
    );
    EXPECT_THAT(rows, IsOk());
    return rows.value()->at(0).text(0);
  }

  static oauth::Tokens tokens(const std::string& access) {
    oauth::Tokens tokens;
    tokens.issuer = "https://as.example";
    tokens.resource = "https://mcp.example/mcp";
    tokens.token_endpoint = "https://as.example/token";
    tokens.client = {
        .id = "c", .secret = Secret<std::string>("client-s3cret"), .auth = oauth::ClientAuth::Basic
    };
    tokens.access = Secret<std::string>(access);
    tokens.refresh = Secret<std::string>("refresh-s3cret");
    tokens.scopes = {"a"};
    return tokens;
  }

  static oauth::Pending pending(const std::string& server = kOwner.server_id) {
    oauth::Pending pending;
    pending.server_id = server;
    pending.began_by = "admin";
    pending.verifier = "verifier-s3cret";
    pending.tokens = tokens("");
    return pending;
  }

  std::unique_ptr<postgres::Pool> pool_;
};

TEST_F(ConnectorTokens, AreReplacedAndUnreadableWithoutTheKey) {
  auto own = store();
  EXPECT_FALSE(run(own.find(kOwner)).has_value());
  run(own.put(kOwner, tokens("access-s3cret-1")));
  run(own.put(kOwner, tokens("access-s3cret-2")));

  const auto kept = run(own.find(kOwner));
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(oauth::write_tokens(*kept), oauth::write_tokens(tokens("access-s3cret-2")));
  EXPECT_FALSE(run(own.find({kOwner.server_id, "somebody"})).has_value());
  EXPECT_FALSE(run(store('b').find(kOwner)).has_value()) << "another key";
  const std::string rows = rows_of("tokens");
  EXPECT_THAT(rows, HasSubstr("https://as.example"));
  for (const char* secret : {"access-s3cret", "refresh-s3cret", "client-s3cret"}) {
    EXPECT_THAT(rows, Not(HasSubstr(secret)));
    EXPECT_THAT(rows, Not(HasSubstr(to_hex(secret))));
  }
  run(own.drop(kOwner));
  EXPECT_FALSE(run(own.find(kOwner)).has_value());
}

TEST_F(ConnectorTokens, OfOneRowDoNotOpenInAnother) {
  auto own = store();
  run(own.put(kOwner, tokens("access-1")));
  ASSERT_THAT(query(*pool_, "UPDATE connector.tokens SET server_id = 'ffffffffffffffff'"), IsOk());
  EXPECT_FALSE(run(own.find({"ffffffffffffffff", ""})).has_value());
}

TEST_F(ConnectorTokens, AnAuthorizationIsTakenOnceByAnyReplica) {
  auto one = store();
  auto other = store();
  run(one.begin("state-s3cret", pending(), milliseconds(60'000)));
  const std::string rows = rows_of("oauth_pending");
  for (const char* secret : {"state-s3cret", "verifier-s3cret"}) {
    EXPECT_THAT(rows, Not(HasSubstr(secret)));
    EXPECT_THAT(rows, Not(HasSubstr(to_hex(secret))));
  }

  const auto taken = run(other.take("state-s3cret"));

  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(oauth::write_pending(*taken), oauth::write_pending(pending()));
  EXPECT_FALSE(run(one.take("state-s3cret")).has_value());
  EXPECT_FALSE(run(one.take("another")).has_value());
}

TEST_F(ConnectorTokens, AnAuthorizationThatTookTooLongIsNone) {
  auto own = store();
  run(own.begin("late", pending(), milliseconds(-1)));
  EXPECT_FALSE(run(own.take("late")).has_value());
}

TEST_F(ConnectorTokens, OfManyAuthorizationsOfAServerTheNewestStay) {
  auto own = store();
  run(own.begin("other", pending("fedcba9876543210"), milliseconds(1'000)));
  for (int i = 0; i <= oauth::kPendingMax; ++i) {
    run(own.begin("state-" + std::to_string(i), pending(), milliseconds(60'000 + i)));
  }

  EXPECT_FALSE(run(own.take("state-0")).has_value());
  EXPECT_TRUE(run(own.take("state-1")).has_value());
  EXPECT_TRUE(run(own.take("state-16")).has_value());
  EXPECT_TRUE(run(own.take("other")).has_value());
}

TEST_F(ConnectorTokens, RegistrationsAndDemandsAreKept) {
  auto own = store();
  const std::string issuer = "https://as.example";
  EXPECT_FALSE(run(own.find_client(issuer, "https://gw/cb")).has_value());
  run(own.put_client(issuer, "https://gw/cb", tokens("").client));
  EXPECT_EQ(run(own.find_client(issuer, "https://gw/cb"))->secret.reveal(), "client-s3cret");
  EXPECT_FALSE(run(own.find_client(issuer, "https://gw/other")).has_value());
  EXPECT_THAT(rows_of("oauth_clients"), Not(HasSubstr(to_hex("client-s3cret"))));
  run(own.drop_client(issuer, "c"));
  EXPECT_FALSE(run(own.find_client(issuer, "https://gw/cb")).has_value());

  const oauth::Demand demand{
      .challenge =
          {.resource_metadata = "https://mcp.example/m", .scopes = {"w", "x"}, .error = ""},
      .issuer = issuer,
      .asked_before = {"a"}
  };
  run(own.put_demand(kOwner, {}));
  run(own.put_demand(kOwner, demand));
  EXPECT_EQ(run(own.find_demand(kOwner)), demand);
  run(own.put(kOwner, tokens("access-1")));
  run(own.forget(kOwner.server_id));
  EXPECT_FALSE(run(own.find_demand(kOwner)).has_value());
  EXPECT_FALSE(run(own.find(kOwner)).has_value());
}

TEST_F(ConnectorTokens, AMissingDatabaseIsUnavailable) {
  postgres::Options gone = options();
  gone.host = "/nonexistent";
  pool_ = open(gone);
  auto own = store();
  EXPECT_THAT(run_sync(loop_, own.find(kOwner)), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector
