// The stored policy in a real Postgres, with the service's own role over the real migrations, and
// two replicas that share it.
#include "services/policy-engine/adapters/pg_approval_store.h"
#include "services/policy-engine/adapters/pg_policy_store.h"
#include "services/policy-engine/adapters/pg_version_store.h"
#include "services/policy-engine/domain/policy_reload.h"
#include "services/policy-engine/testing/policy_fixture.h"
#include "tests/integration/policy_rig.h"

#include "common/audit/client.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace sluice::policy_engine {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

constexpr std::int64_t kNow = 1'800'000'000'000;

CallerKey key_of(const std::string& id, const std::string& text) {
  CallerKey key;
  key.id = id;
  key.digest = crypto::sha256(text);
  key.tenant = "default";
  key.roles = {"caller"};
  key.tools = NameList({"files-read_file"});
  key.models = NameList();
  key.expires_unix_ms = kNow + 1'000;
  key.origin = KeyOrigin{"key:root", kNow};
  return key;
}

KeyTransition changing(KeyChange::Kind kind, const CallerKey& key) {
  return [kind, key](const StoredPolicy&) -> Result<KeyChange> {
    audit::v1::Record record = audit::record_of(RequestContext(), "key.created");
    record.set_event_id(crypto::uuid_v7(kNow));
    return KeyChange{kind, key, {record}};
  };
}

KeyTransition creating(const std::string& id) {
  return changing(KeyChange::Kind::Create, key_of(id, "text of " + id));
}

// One replica: its own view of the policy, over the shared Postgres.
struct Replica {
  Replica(Loop* loop, postgres::Pool* pool, async::Clock* clock)
      : versions(pool, clock),
        stored(pool, clock),
        tasks(loop->get_executor(), nullptr),
        catalogs(
            {.servers = &servers, .clock = clock, .tasks = &tasks, .log = &log, .on_change = {}}
        ),
        reload({&file, &stored, &binding, &state, &catalogs, clock, &log, &audit}) {
    reload.on_loaded([this] { ++told; });
  }

  Result<void> begin(Loop& loop, const Policy& policy) {
    file.write({policy, {}});
    return run_sync(loop, reload.begin(policy));
  }

  [[nodiscard]] const LoadedPolicy& loaded() const { return *state.loaded(); }

  PgVersionStore versions;
  PgPolicyStore stored;
  FakeSettingsFile file;
  FakeToolServers servers;
  observability::RecordingLog log;
  audit::RecordingClient audit;
  PolicyState state;
  VersionBinding binding{&versions, &state};
  async::TaskGroup tasks;
  CatalogCache catalogs;
  PolicyReload reload;
  int told = 0;
};

class PolicyStoreTest : public PolicyTest {
 protected:
  void SetUp() override {
    PolicyTest::SetUp();
    pool_ = open(as_service());
    a_ = std::make_unique<Replica>(&loop_, pool_.get(), &clock_);
    b_ = std::make_unique<Replica>(&loop_, pool_.get(), &clock_);
  }

  // A replica hears the beat of another and looks at once.
  void hears(Replica* replica, std::uint64_t version) {
    replica->state.heard(version);
    ASSERT_THAT(run_sync(loop_, replica->reload.catch_up()), IsOk());
  }

  std::unique_ptr<postgres::Pool> pool_;
  std::unique_ptr<Replica> a_;
  std::unique_ptr<Replica> b_;
};

Policy settings(std::string_view preset = "manual") {
  return policy_of(PolicyFixture::settings_with(preset, R"("tools_to_execute": ["*"])"));
}

TEST_F(PolicyStoreTest, AKeyComesBackAsItWasMadeAndIsGoneOnceRevoked) {
  PgPolicyStore& store = a_->stored;

  const auto made = run_sync(loop_, store.change(creating("ci")));
  ASSERT_THAT(made, IsOk());
  const auto read = run_sync(loop_, store.read());
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read.value().keys.size(), 1U);
  const CallerKey& key = read.value().keys[0];
  EXPECT_EQ(read.value().revision, made.value().revision);
  EXPECT_EQ(key.id, "ci");
  EXPECT_EQ(key.digest, crypto::sha256("text of ci"));
  EXPECT_FALSE(key.servers.has_value());
  EXPECT_TRUE(key.tools->contains("files-read_file"));
  EXPECT_TRUE(key.models.has_value() && key.models->names().empty());
  EXPECT_EQ(key.expires_unix_ms, kNow + 1'000);
  EXPECT_EQ(key.origin, (KeyOrigin{"key:root", kNow}));

  CallerKey wider = key;
  wider.tools.reset();
  ASSERT_THAT(run_sync(loop_, store.change(changing(KeyChange::Kind::Update, wider))), IsOk());
  EXPECT_FALSE(run_sync(loop_, store.read()).value().keys[0].tools.has_value());

  ASSERT_THAT(run_sync(loop_, store.change(changing(KeyChange::Kind::Revoke, key))), IsOk());
  EXPECT_TRUE(run_sync(loop_, store.read()).value().keys.empty());
  EXPECT_EQ(run_sync(loop_, store.revoked()).value()[0].id, "ci");
  EXPECT_EQ(run_sync(loop_, store.revision()).value(), made.value().revision + 2);
}

TEST_F(PolicyStoreTest, ARefusedChangeLeavesNoRevisionAndNoRecord) {
  PgPolicyStore& store = a_->stored;
  PgApprovalStore outbox(pool_.get());
  ASSERT_THAT(run_sync(loop_, store.change(creating("ci"))), IsOk());
  ASSERT_THAT(
      run_sync(loop_, store.change(changing(KeyChange::Kind::Revoke, key_of("ci", "")))), IsOk()
  );
  const std::uint64_t before = run_sync(loop_, store.revision()).value();

  EXPECT_THAT(run_sync(loop_, store.change(creating("ci"))), HasCode(Code::Conflict));
  EXPECT_THAT(
      run_sync(loop_, store.change(changing(KeyChange::Kind::Update, key_of("ci", "")))),
      HasCode(Code::NotFound)
  );
  const KeyTransition refusing = [](const StoredPolicy&) -> Result<KeyChange> {
    return Error(Code::Denied, "no");
  };
  EXPECT_THAT(run_sync(loop_, store.change(refusing)), HasCode(Code::Denied));

  EXPECT_EQ(run_sync(loop_, store.revision()).value(), before);
  EXPECT_EQ(run_sync(loop_, outbox.claim_records()).value().size(), 2U);
}

TEST_F(PolicyStoreTest, ChangesComeOneAfterTheOther) {
  constexpr int kReplicas = 6;
  std::atomic<int> alone = 0;
  std::vector<std::future<std::size_t>> replicas;
  for (int i = 0; i < kReplicas; ++i) {
    replicas.push_back(std::async(std::launch::async, [i, &alone, own = as_service()] {
      Loop loop(1);
      async::SystemClock clock(loop.get_executor());
      observability::RecordingLog log;
      const auto pool = postgres::Pool::open(&clock, &log, own);
      PgPolicyStore store(pool.get(), &clock);
      std::size_t seen = 0;
      const std::string id = "k" + std::to_string(i);
      const KeyTransition transition = [&](const StoredPolicy& before) -> Result<KeyChange> {
        EXPECT_EQ(alone.fetch_add(1), 0);
        seen = before.keys.size();
        auto change = creating(id)(before);
        alone.fetch_sub(1);
        return change;
      };
      EXPECT_THAT(run_sync(loop, store.change(transition)), IsOk());
      return seen;
    }));
  }

  std::set<std::size_t> seen;
  for (auto& replica : replicas) {
    seen.insert(replica.get());
  }

  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kReplicas));
}

TEST_F(PolicyStoreTest, OneSetupTokenIsMadeAndUsedOnce) {
  EXPECT_TRUE(run_sync(loop_, a_->stored.offer_setup(crypto::sha256("one"))).value());
  EXPECT_FALSE(run_sync(loop_, b_->stored.offer_setup(crypto::sha256("two"))).value());

  EXPECT_THAT(
      run_sync(loop_, b_->stored.use_setup(crypto::sha256("two"), creating("admin"))),
      HasCode(Code::Unauthenticated)
  );
  EXPECT_THAT(
      run_sync(loop_, b_->stored.use_setup(crypto::sha256("one"), creating("admin"))), IsOk()
  );
  EXPECT_THAT(
      run_sync(loop_, a_->stored.use_setup(crypto::sha256("one"), creating("second"))),
      HasCode(Code::Conflict)
  );
  EXPECT_EQ(run_sync(loop_, a_->stored.read()).value().keys.size(), 1U);
}

TEST_F(PolicyStoreTest, AChangeHoldsAtTheReplicaThatMadeItAndAtTheOtherOnceItHears) {
  ASSERT_THAT(a_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(b_->begin(loop_, settings()), IsOk());
  ASSERT_EQ(a_->loaded().version, b_->loaded().version);

  const auto made = run_sync(loop_, a_->stored.change(creating("ci")));
  ASSERT_THAT(run_sync(loop_, a_->reload.take_over_stored(made.value().revision)), IsOk());
  hears(b_.get(), a_->loaded().version);

  EXPECT_EQ(a_->loaded().version, 2U);
  EXPECT_EQ(a_->told, 1);
  EXPECT_NE(a_->loaded().policy.key_of("text of ci"), nullptr);
  EXPECT_THAT(b_->state.current(), IsOk());
  EXPECT_EQ(b_->loaded().hash, a_->loaded().hash);
  EXPECT_NE(b_->loaded().policy.key_of("text of ci"), nullptr);
}

TEST_F(PolicyStoreTest, AChangeWhoseReplicaDiedIsTakenOverByAnother) {
  ASSERT_THAT(b_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());

  ASSERT_THAT(run_sync(loop_, a_->stored.change(creating("ci"))), IsOk());
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());

  EXPECT_EQ(b_->loaded().version, 2U);
  EXPECT_NE(b_->loaded().policy.key_of("text of ci"), nullptr);
}

// Both see every change and neither may claim a version for what the other has left behind.
TEST_F(PolicyStoreTest, ReplicasThatTakeOverTogetherComeToOneVersionAChange) {
  ASSERT_THAT(a_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(b_->begin(loop_, settings()), IsOk());

  for (int i = 0; i < 5; ++i) {
    const auto made = run_sync(loop_, a_->stored.change(creating("k" + std::to_string(i))));
    ASSERT_THAT(run_sync(loop_, b_->reload.take_over_stored(made.value().revision)), IsOk());
    ASSERT_THAT(run_sync(loop_, a_->reload.take_over_stored(made.value().revision)), IsOk());
    for (int look = 0; look < 3; ++look) {
      ASSERT_THAT(run_sync(loop_, a_->reload.catch_up()), IsOk());
      ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());
    }
  }

  EXPECT_EQ(run_sync(loop_, a_->versions.newest()).value().version, 6U);
  EXPECT_EQ(a_->loaded().version, 6U);
  EXPECT_EQ(b_->loaded().version, 6U);
}

TEST_F(PolicyStoreTest, AReplicaWithOlderSettingsDoesNotUndoThemWithAChange) {
  ASSERT_THAT(a_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(b_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());
  a_->file.write({settings("open"), {}});
  ASSERT_THAT(run_sync(loop_, a_->reload.apply({})), IsOk());
  ASSERT_EQ(a_->loaded().version, 2U);

  // b has heard nothing yet, and sees the change first.
  const auto made = run_sync(loop_, a_->stored.change(creating("ci")));
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());

  EXPECT_THAT(b_->state.current(), HasCode(Code::Unavailable));
  EXPECT_EQ(run_sync(loop_, a_->versions.newest()).value().version, 2U);
  ASSERT_THAT(run_sync(loop_, a_->reload.take_over_stored(made.value().revision)), IsOk());
  EXPECT_EQ(a_->loaded().version, 3U);
  b_->file.write({settings("open"), {}});
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());
  EXPECT_EQ(b_->loaded().version, 3U);
  EXPECT_EQ(b_->loaded().policy.preset, Preset::Open);
}

TEST_F(PolicyStoreTest, AVersionIsNotClaimedForAnOlderStoredPolicy) {
  ASSERT_THAT(a_->begin(loop_, settings()), IsOk());
  const Policy before = a_->loaded().policy;
  ASSERT_THAT(run_sync(loop_, a_->stored.change(creating("ci"))), IsOk());
  VersionClaim stale{std::string(32, '\7'), before.stored_revision, std::nullopt};

  EXPECT_THAT(run_sync(loop_, a_->versions.claim(stale)), HasCode(Code::Conflict));
  EXPECT_EQ(run_sync(loop_, a_->versions.newest()).value().version, 1U);
}

TEST_F(PolicyStoreTest, AFileWithFaultsDoesNotStandInTheWayOfAChange) {
  ASSERT_THAT(a_->begin(loop_, settings()), IsOk());
  ASSERT_THAT(b_->begin(loop_, settings()), IsOk());
  a_->file.spoil(Error(Code::Invalid, "policy.preset: is wrong"));
  b_->file.spoil(Error(Code::Invalid, "policy.preset: is wrong"));
  ASSERT_THAT(run_sync(loop_, b_->reload.catch_up()), IsOk());

  const auto made = run_sync(loop_, a_->stored.change(creating("ci")));
  ASSERT_THAT(run_sync(loop_, a_->reload.take_over_stored(made.value().revision)), IsOk());
  hears(b_.get(), a_->loaded().version);

  EXPECT_NE(b_->loaded().policy.key_of("text of ci"), nullptr);
  EXPECT_THAT(b_->state.current(), IsOk());
}

TEST_F(PolicyStoreTest, TheServicesRoleCannotRewriteWhoMadeWhichKey) {
  ASSERT_THAT(run_sync(loop_, a_->stored.change(creating("ci"))), IsOk());

  EXPECT_THAT(query(*pool_, "DELETE FROM policy.keys"), HasCode(Code::Denied));
  EXPECT_THAT(query(*pool_, "UPDATE policy.keys SET sha256 = sha256"), HasCode(Code::Denied));
  EXPECT_THAT(query(*pool_, "UPDATE policy.keys SET created_by = 'x'"), HasCode(Code::Denied));
  EXPECT_THAT(query(*pool_, "DELETE FROM policy.revision"), HasCode(Code::Denied));
}

}  // namespace
}  // namespace sluice::policy_engine
