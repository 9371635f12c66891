// Policy versions in a real Postgres, with the service's own role over the real migrations.
#include "services/policy-engine/adapters/pg_version_store.h"
#include "tests/integration/policy_rig.h"

#include <future>
#include <set>
#include <vector>

namespace sluice::policy_engine {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

class PolicyVersions : public PolicyTest {};

VersionClaim claim_of(const std::string& hash) {
  return {.hash = hash, .stored_revision = 0, .replaces = std::nullopt};
}

TEST_F(PolicyVersions, AnEqualPolicyKeepsItsVersionAndAnUndoneOneGetsANew) {
  const auto pool = open(as_service());
  PgVersionStore store(pool.get(), &clock_);
  const std::string one(32, '\1');
  const std::string two(32, '\2');

  EXPECT_EQ(run_sync(loop_, store.newest()).value().version, 0U);
  EXPECT_EQ(run_sync(loop_, store.claim(claim_of(one))).value().version, 1U);
  EXPECT_EQ(run_sync(loop_, store.claim(claim_of(one))).value().version, 1U);
  EXPECT_EQ(run_sync(loop_, store.claim(claim_of(two))).value().version, 2U);
  EXPECT_EQ(run_sync(loop_, store.claim(claim_of(one))).value().version, 3U);

  const auto newest = run_sync(loop_, store.newest());
  ASSERT_THAT(newest, IsOk());
  EXPECT_EQ(newest.value().version, 3U);
  EXPECT_EQ(newest.value().hash, one);
}

TEST_F(PolicyVersions, ReplicasThatStartTogetherShareOneVersion) {
  constexpr int kReplicas = 6;
  std::vector<std::future<std::uint64_t>> replicas;
  for (int i = 0; i < kReplicas; ++i) {
    replicas.push_back(std::async(std::launch::async, [own = as_service()] {
      boost::asio::io_context loop(1);
      async::SystemClock clock(loop.get_executor());
      observability::RecordingLog log;
      const auto pool = postgres::Pool::open(&clock, &log, own);
      PgVersionStore store(pool.get(), &clock);
      const auto bound = run_sync(loop, store.claim(claim_of(std::string(32, '\7'))));
      return bound.ok() ? bound.value().version : 0;
    }));
  }

  std::set<std::uint64_t> versions;
  for (auto& replica : replicas) {
    versions.insert(replica.get());
  }

  EXPECT_EQ(versions, std::set<std::uint64_t>{1});
}

TEST_F(PolicyVersions, TheServicesRoleCannotRewriteHistory) {
  const auto pool = open(as_service());
  PgVersionStore store(pool.get(), &clock_);
  ASSERT_THAT(run_sync(loop_, store.claim(claim_of(std::string(32, '\1')))), IsOk());

  EXPECT_THAT(query(*pool, "DELETE FROM policy.versions"), HasCode(Code::Denied));
  EXPECT_THAT(
      query(*pool, "UPDATE policy.versions SET snapshot_hash = snapshot_hash"),
      HasCode(Code::Denied)
  );
  EXPECT_THAT(query(*pool, "SELECT 1 FROM audit.records"), HasCode(Code::Denied));
}

TEST_F(PolicyVersions, AMissingDatabaseIsUnavailable) {
  postgres::Options gone = as_service();
  gone.host = "/nonexistent";
  const auto pool = open(gone);
  PgVersionStore store(pool.get(), &clock_);

  EXPECT_THAT(run_sync(loop_, store.newest()), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::policy_engine
