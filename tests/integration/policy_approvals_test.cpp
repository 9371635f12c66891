// Approvals in a real Postgres, with the service's own role over the real migrations: what replicas
// do at the same moment has one outcome.
#include "services/policy-engine/adapters/pg_approval_store.h"
#include "services/policy-engine/limits.h"
#include "tests/integration/policy_rig.h"

#include "common/crypto/sha256.h"

#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

namespace sluice::policy_engine {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

constexpr std::int64_t kNow = 1'800'000'000'000;

NewApproval asked(const std::string& call_id, const std::string& principal = "key:alice") {
  static const auto kPolicy = std::make_shared<const LoadedPolicy>();
  VerifiedCaller caller;
  caller.policy = kPolicy;
  caller.claims.set_tenant("default");
  caller.claims.set_principal(principal);
  RequestContext context;
  context.hop = 7;
  policy::v1::ToolCall call;
  call.set_server_id("0123456789abcdef");
  call.set_server("files");
  call.set_tool("write_file");
  call.set_definition_hash("d");
  call.set_arguments(R"({"path":"/a"})");
  call.set_tool_call_id(call_id);
  policy::v1::Decision decision;
  decision.set_verdict(policy::v1::VERDICT_APPROVE);
  decision.set_effect_class(policy::v1::EFFECT_CLASS_WRITE);
  NewApproval made;
  made.stored =
      new_approval({&caller, &context, &call, &decision, policy::v1::MODE_MANUAL, 0}, kNow);
  made.records = {created_record(made.stored, kNow)};
  return made;
}

ApprovalTransition answering(const std::string& principal, bool approve) {
  return [principal, approve](StoredApproval* stored) {
    return answer_approval(
               stored,
               {.tenant = "default",
                .principal = principal,
                .key_id = "k",
                .approve = approve,
                .reason = "",
                .now_unix_ms = kNow + 1'000,
                .rules = {}}
    ).records;
  };
}

ApprovalUse use_with(std::string grant_id) {
  ApprovalUse use;
  use.tenant = "default";
  use.principal = "key:alice";
  use.call.set_server_id("0123456789abcdef");
  use.call.set_server("files");
  use.call.set_tool("write_file");
  use.call.set_definition_hash("d");
  use.args_digest = crypto::sha256(R"({"path":"/a"})");
  use.decision.set_verdict(policy::v1::VERDICT_APPROVE);
  use.grant_id = std::move(grant_id);
  use.grant_not_after_unix_ms = kNow + 30'000;
  use.now_unix_ms = kNow + 2'000;
  return use;
}

class PolicyApprovals : public PolicyTest {
 protected:
  void SetUp() override {
    PolicyTest::SetUp();
    pool_ = open(as_service());
    store_ = std::make_unique<PgApprovalStore>(pool_.get());
  }

  StoredApproval add(const std::string& call_id) {
    std::vector<NewApproval> one{asked(call_id)};
    const auto found = run_sync(loop_, store_->find_or_add(std::move(one)));
    EXPECT_THAT(found, IsOk());
    return *found.value().at(0);
  }

  // As many replicas at once, each with connections of its own.
  void at_once(int replicas, const std::function<void(int, PgApprovalStore*, Loop*)>& work) {
    std::vector<std::future<void>> running;
    for (int i = 0; i < replicas; ++i) {
      running.push_back(std::async(std::launch::async, [this, i, &work] {
        Loop loop(1);
        async::SystemClock clock(loop.get_executor());
        observability::RecordingLog log;
        const auto pool = postgres::Pool::open(&clock, &log, as_service());
        PgApprovalStore store(pool.get());
        work(i, &store, &loop);
      }));
    }
    for (auto& one : running) {
      one.get();
    }
  }

  std::unique_ptr<postgres::Pool> pool_;
  std::unique_ptr<PgApprovalStore> store_;
};

TEST_F(PolicyApprovals, AThousandAnswersAtOnceHaveOneOutcome) {
  constexpr int kReplicas = 10;
  constexpr int kAnswers = 100;
  const std::string id = add("1").approval.id();
  std::vector<std::vector<policy::v1::ApprovalState>> seen(kReplicas);
  std::vector<int> changes(kReplicas, 0);

  at_once(kReplicas, [&](int replica, PgApprovalStore* store, Loop* loop) {
    const auto place = static_cast<std::size_t>(replica);
    for (int i = 0; i < kAnswers; ++i) {
      const std::string who = "key:" + std::to_string(replica) + "-" + std::to_string(i);
      const auto changed =
          run_sync(*loop, store->change(id, answering(who, (replica + i) % 2 == 0)));
      ASSERT_THAT(changed, IsOk());
      seen[place].push_back(changed.value().stored.approval.state());
      changes[place] += changed.value().changed ? 1 : 0;
    }
  });

  std::set<policy::v1::ApprovalState> outcomes;
  for (const auto& states : seen) {
    outcomes.insert(states.begin(), states.end());
  }
  EXPECT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(std::accumulate(changes.begin(), changes.end(), 0), 1);
  const auto now = run_sync(loop_, store_->get(id));
  ASSERT_THAT(now, IsOk());
  EXPECT_EQ(now.value()->approval.answers_size(), 1);
  EXPECT_EQ(now.value()->approval.state(), *outcomes.begin());
  EXPECT_EQ(
      query(*pool_, "SELECT count(*) FROM policy.outbox").value()->at(0).integer(0), 2
  );  // created, answered
}

TEST_F(PolicyApprovals, UsedAtOnceByManyItGivesOneGrant) {
  constexpr int kReplicas = 10;
  constexpr int kUses = 10;
  const std::string id = add("1").approval.id();
  ASSERT_THAT(run_sync(loop_, store_->change(id, answering("key:carol", true))), IsOk());
  std::vector<int> grants(kReplicas, 0);

  at_once(kReplicas, [&](int replica, PgApprovalStore* store, Loop* loop) {
    for (int i = 0; i < kUses; ++i) {
      const auto used = std::make_shared<Used>();
      const ApprovalUse use =
          use_with(crypto::sha256(std::to_string(replica) + "." + std::to_string(i)).substr(0, 16));
      const ApprovalTransition transition = [used, use](StoredApproval* stored) {
        *used = use_approval(stored, use);
        return used->records;
      };
      ASSERT_THAT(run_sync(*loop, store->change(id, transition)), IsOk());
      grants[static_cast<std::size_t>(replica)] += used->end == UseEnd::Grant ? 1 : 0;
    }
  });

  EXPECT_EQ(std::accumulate(grants.begin(), grants.end(), 0), 1);
  const auto now = run_sync(loop_, store_->get(id));
  EXPECT_EQ(now.value()->approval.state(), policy::v1::APPROVAL_STATE_GRANTED);
  EXPECT_EQ(now.value()->grant_not_after_unix_ms, kNow + 30'000);
}

TEST_F(PolicyApprovals, RetriesThatMeetAreOneApprovalAndThoseThatWaitAreCounted) {
  constexpr int kReplicas = 8;
  std::vector<std::string> ids(kReplicas);
  at_once(kReplicas, [&](int replica, PgApprovalStore* store, Loop* loop) {
    std::vector<NewApproval> one{asked("1")};
    const auto found = run_sync(*loop, store->find_or_add(std::move(one)));
    ASSERT_THAT(found, IsOk());
    ids[static_cast<std::size_t>(replica)] = found.value().at(0)->approval.id();
  });
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1U);

  std::vector<NewApproval> many;
  for (int i = 2; i <= kPendingApprovalsMax + 1; ++i) {
    many.push_back(asked(std::to_string(i)));
  }
  many.push_back(asked("1"));
  many.push_back(asked("other", "key:bob"));
  const auto found = run_sync(loop_, store_->find_or_add(std::move(many)));
  ASSERT_THAT(found, IsOk());
  const auto& last = found.value();
  EXPECT_FALSE(last.at(last.size() - 3).has_value());  // one too many
  EXPECT_TRUE(last.at(last.size() - 4).has_value());
  EXPECT_EQ(last.at(last.size() - 2)->approval.id(), ids[0]);
  EXPECT_TRUE(last.at(last.size() - 1).has_value());
}

TEST_F(PolicyApprovals, SurviveARestartWithAllTheyHold) {
  const StoredApproval before = add("1");
  ASSERT_THAT(
      run_sync(loop_, store_->change(before.approval.id(), answering("key:carol", false))), IsOk()
  );
  const auto again = open(as_service());
  PgApprovalStore store(again.get());

  const auto after = run_sync(loop_, store.get(before.approval.id()));

  ASSERT_THAT(after, IsOk());
  ASSERT_TRUE(after.value().has_value());
  const policy::v1::Approval& approval = after.value()->approval;
  EXPECT_EQ(approval.arguments(), before.approval.arguments());
  EXPECT_EQ(approval.state(), policy::v1::APPROVAL_STATE_DENIED);
  EXPECT_EQ(approval.end_reason(), "denied by key:carol");
  EXPECT_EQ(approval.answers(0).answered_unix_ms(), kNow + 1'000);
  EXPECT_EQ(after.value()->hop, 7U);
  EXPECT_THAT(
      run_sync(loop_, store.change("apr_nothing", answering("k", true))), HasCode(Code::NotFound)
  );
}

TEST_F(PolicyApprovals, AreListedNewestFirstByPageAndState) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    NewApproval one = asked(std::to_string(i));
    one.stored.approval.set_created_unix_ms(kNow + i);
    ids.push_back(one.stored.approval.id());
    std::vector<NewApproval> list{std::move(one)};
    ASSERT_THAT(run_sync(loop_, store_->find_or_add(std::move(list))), IsOk());
  }
  ASSERT_THAT(run_sync(loop_, store_->change(ids[1], answering("key:carol", true))), IsOk());
  const auto list = [this](ApprovalFilter filter) {
    filter.tenant = "default";
    return run_sync(loop_, store_->list(std::move(filter))).value();
  };

  const ApprovalPage first = list({.limit = 2});
  ASSERT_EQ(first.approvals.size(), 2U);
  EXPECT_EQ(first.approvals[0].id(), ids[2]);
  EXPECT_TRUE(first.more);
  const ApprovalPage second = list({.after = first.approvals[1].id(), .limit = 2});
  ASSERT_EQ(second.approvals.size(), 1U);
  EXPECT_EQ(second.approvals[0].id(), ids[0]);
  EXPECT_FALSE(second.more);
  EXPECT_EQ(
      list({.state = policy::v1::APPROVAL_STATE_APPROVED, .limit = 9}).approvals.at(0).id(), ids[1]
  );
  EXPECT_TRUE(list({.principal = "key:bob", .limit = 9}).approvals.empty());
}

TEST_F(PolicyApprovals, AreDueAndForgottenByTheirTime) {
  const std::string id = add("1").approval.id();
  constexpr std::int64_t kEnd = kNow + 3'600'000;

  EXPECT_TRUE(run_sync(loop_, store_->due(kEnd - 1)).value().empty());
  EXPECT_EQ(run_sync(loop_, store_->due(kEnd)).value(), std::vector<std::string>{id});
  ASSERT_THAT(run_sync(loop_, store_->forget(kEnd)), IsOk());
  EXPECT_TRUE(run_sync(loop_, store_->get(id)).value().has_value());
  ASSERT_THAT(
      run_sync(
          loop_,
          store_->change(id, [](StoredApproval* stored) { return expire_approval(stored, kEnd); })
      ),
      IsOk()
  );
  ASSERT_THAT(run_sync(loop_, store_->forget(kEnd)), IsOk());
  EXPECT_FALSE(run_sync(loop_, store_->get(id)).value().has_value());
}

TEST_F(PolicyApprovals, ARecordIsOneReplicasUntilItIsRemoved) {
  const StoredApproval stored = add("1");

  const auto claimed = run_sync(loop_, store_->claim_records());
  ASSERT_THAT(claimed, IsOk());
  ASSERT_EQ(claimed.value().size(), 1U);
  EXPECT_EQ(claimed.value()[0].record.action(), "approval.created");
  EXPECT_EQ(claimed.value()[0].record.approval_id(), stored.approval.id());
  EXPECT_TRUE(run_sync(loop_, store_->claim_records()).value().empty());
  std::vector<std::string> ids{claimed.value()[0].event_id};
  ASSERT_THAT(run_sync(loop_, store_->remove_records(std::move(ids))), IsOk());
  EXPECT_EQ(query(*pool_, "SELECT count(*) FROM policy.outbox").value()->at(0).integer(0), 0);
}

TEST_F(PolicyApprovals, TheServicesRoleCannotRewriteWhatWasAskedOrAnswered) {
  static_cast<void>(add("1"));

  for (const char* sql :
       {"UPDATE policy.approvals SET request = request",
        "UPDATE policy.approvals SET expires_at = now()",
        "UPDATE policy.approval_answers SET approve = true",
        "DELETE FROM policy.approval_answers",
        "UPDATE policy.outbox SET record = record"}) {
    EXPECT_THAT(query(*pool_, sql), HasCode(Code::Denied)) << sql;
  }
}

}  // namespace
}  // namespace sluice::policy_engine
