// Events of policy.webhook in a real Postgres, with the service's own role over the real
// migrations: they are what changed, and one replica's at a time.
#include "services/policy-engine/adapters/pg_approval_store.h"
#include "services/policy-engine/adapters/pg_webhook_store.h"
#include "services/policy-engine/limits.h"
#include "tests/integration/policy_rig.h"

#include "common/json/parse.h"

#include <future>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace sluice::policy_engine {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

constexpr std::int64_t kNow = 1'800'000'000'000;

NewApproval asked(const std::string& call_id, policy::v1::Verdict verdict) {
  static const auto kPolicy = std::make_shared<const LoadedPolicy>();
  VerifiedCaller caller;
  caller.policy = kPolicy;
  caller.claims.set_tenant("default");
  caller.claims.set_principal("key:alice");
  const RequestContext context;
  policy::v1::ToolCall call;
  call.set_server("files");
  call.set_tool("write_file");
  call.set_arguments(R"({"password":"hunter2","path":"/a"})");
  call.set_tool_call_id(call_id);
  policy::v1::Decision decision;
  decision.set_verdict(verdict);
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

class PolicyWebhooks : public PolicyTest {
 protected:
  void SetUp() override {
    PolicyTest::SetUp();
    pool_ = open(as_service());
    approvals_ = std::make_unique<PgApprovalStore>(pool_.get(), &told_);
    store_ = std::make_unique<PgWebhookStore>(pool_.get());
    tell(
        {policy::v1::APPROVAL_STATE_PENDING,
         policy::v1::APPROVAL_STATE_APPROVED,
         policy::v1::APPROVAL_STATE_DENIED,
         policy::v1::APPROVAL_STATE_EXPIRED}
    );
  }

  void tell(std::vector<policy::v1::ApprovalState> states) {
    Webhook webhook;
    webhook.states = std::move(states);
    told_.webhook = std::make_shared<const Webhook>(std::move(webhook));
  }

  std::string add(
      const std::string& call_id, policy::v1::Verdict verdict = policy::v1::VERDICT_APPROVE
  ) {
    std::vector<NewApproval> one{asked(call_id, verdict)};
    const auto found = run_sync(loop_, approvals_->find_or_add(std::move(one)));
    EXPECT_THAT(found, IsOk());
    return found.value().at(0)->approval.id();
  }

  void change(const std::string& id, ApprovalTransition transition) {
    EXPECT_THAT(run_sync(loop_, approvals_->change(id, std::move(transition))), IsOk());
  }

  std::vector<WebhookEvent> claim() {
    auto claimed = run_sync(loop_, store_->claim());
    EXPECT_THAT(claimed, IsOk());
    return claimed.ok() ? std::move(claimed).value() : std::vector<WebhookEvent>();
  }

  std::vector<std::string> types_of(const std::string& id) {
    const auto rows = query(
        *pool_,
        "SELECT type FROM policy.webhook_events WHERE approval_id = '" + id + "' ORDER BY event_id"
    );
    EXPECT_THAT(rows, IsOk());
    std::vector<std::string> types;
    for (std::size_t i = 0; i < rows.value()->size(); ++i) {
      types.push_back(rows.value()->at(i).text(0));
    }
    return types;
  }

  std::int64_t count() {
    return query(*pool_, "SELECT count(*) FROM policy.webhook_events").value()->at(0).integer(0);
  }

  WebhookInForce told_;
  std::unique_ptr<postgres::Pool> pool_;
  std::unique_ptr<PgApprovalStore> approvals_;
  std::unique_ptr<PgWebhookStore> store_;
};

TEST_F(PolicyWebhooks, EachChangeOfStateIsOneEventAndNothingElseIs) {
  const std::string approved = add("1");
  static_cast<void>(add("1"));  // a retry
  change(approved, answering("key:carol", true));
  change(approved, answering("key:carol", true));  // changes nothing
  change(approved, [](StoredApproval* stored) { return expire_approval(stored, kNow); });
  EXPECT_EQ(
      types_of(approved), (std::vector<std::string>{"approval.created", "approval.approved"})
  );

  const std::string twice = add("2", policy::v1::VERDICT_APPROVE_TWICE);
  change(twice, answering("key:carol", true));  // it waits on
  EXPECT_EQ(types_of(twice), std::vector<std::string>{"approval.created"});
  change(twice, answering("key:dave", true));
  EXPECT_EQ(types_of(twice).back(), "approval.approved");

  tell({policy::v1::APPROVAL_STATE_DENIED});
  const std::string denied = add("3");
  change(denied, answering("key:carol", false));
  EXPECT_EQ(types_of(denied), std::vector<std::string>{"approval.denied"});

  told_.webhook = nullptr;
  EXPECT_TRUE(types_of(add("4")).empty());
}

TEST_F(PolicyWebhooks, AnEventIsTheOneOfItsAuditRecordAndHoldsNoSecret) {
  static_cast<void>(add("1"));

  const auto claimed = claim();
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(
      claimed[0].id,
      query(*pool_, "SELECT event_id::text FROM policy.outbox").value()->at(0).text(0)
  );
  EXPECT_EQ(claimed[0].created_unix_ms, kNow);
  EXPECT_EQ(claimed[0].attempts, 1);
  EXPECT_EQ(claimed[0].body.find("hunter2"), std::string::npos);
  const auto body = json::parse(claimed[0].body);
  ASSERT_THAT(body, IsOk());
  EXPECT_EQ(body.value().find("data")->find("arguments")->text_or("path", ""), "/a");
}

TEST_F(PolicyWebhooks, ManyReplicasClaimEachEventOnce) {
  constexpr int kEvents = 60;
  constexpr int kReplicas = 6;
  for (int i = 0; i < kEvents; ++i) {
    static_cast<void>(add(std::to_string(i)));
  }
  std::vector<std::future<std::vector<std::string>>> running;
  for (int i = 0; i < kReplicas; ++i) {
    running.push_back(std::async(std::launch::async, [this] {
      Loop loop(1);
      async::SystemClock clock(loop.get_executor());
      observability::RecordingLog log;
      const auto pool = postgres::Pool::open(&clock, &log, as_service());
      PgWebhookStore store(pool.get());
      std::vector<std::string> mine;
      for (bool more = true; more;) {
        const auto claimed = run_sync(loop, store.claim());
        EXPECT_THAT(claimed, IsOk());
        more = claimed.ok() && !claimed.value().empty();
        for (std::size_t k = 0; more && k < claimed.value().size(); ++k) {
          mine.push_back(claimed.value()[k].id);
        }
      }
      return mine;
    }));
  }
  std::map<std::string, int> claims;
  for (auto& one : running) {
    for (const std::string& id : one.get()) {
      ++claims[id];
    }
  }

  EXPECT_EQ(claims.size(), static_cast<std::size_t>(kEvents));
  for (const auto& [id, times] : claims) {
    EXPECT_EQ(times, 1) << id;
  }
  EXPECT_EQ(count(), kEvents) << "claimed is not delivered";
}

TEST_F(PolicyWebhooks, WhatADeadReplicaHadIsAnothersUnderTheSameId) {
  static_cast<void>(add("1"));
  const auto first = claim();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(claim().empty());
  // The claim runs out.
  ASSERT_THAT(
      query(*pool_, "UPDATE policy.webhook_events SET due_at = due_at - interval '30 seconds'"),
      IsOk()
  );

  const auto second = claim();

  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].id, first[0].id);
  EXPECT_EQ(second[0].body, first[0].body);
  EXPECT_EQ(second[0].attempts, 2);
  ASSERT_THAT(run_sync(loop_, store_->remove(second[0].id)), IsOk());
  EXPECT_EQ(count(), 0);
}

TEST_F(PolicyWebhooks, WhatIsPutOffIsDueAgainLater) {
  static_cast<void>(add("1"));
  const auto first = claim();
  ASSERT_EQ(first.size(), 1U);

  ASSERT_THAT(run_sync(loop_, store_->put_off(first[0].id, std::chrono::hours(1))), IsOk());
  EXPECT_TRUE(claim().empty());
  ASSERT_THAT(run_sync(loop_, store_->put_off(first[0].id, std::chrono::milliseconds(-1))), IsOk());
  EXPECT_EQ(claim().size(), 1U);
}

TEST_F(PolicyWebhooks, OldOnesAndTooManyAreGivenUp) {
  static_cast<void>(add("1"));
  EXPECT_TRUE(run_sync(loop_, store_->give_up(kNow)).value().empty());
  const auto old = run_sync(loop_, store_->give_up(kNow + 1));
  ASSERT_THAT(old, IsOk());
  ASSERT_EQ(old.value().size(), 1U);
  EXPECT_EQ(old.value()[0].type, "approval.created");

  ASSERT_THAT(
      query(
          *pool_,
          "INSERT INTO policy.webhook_events (event_id, approval_id, tenant, type, body, "
          "created_at) "
          "SELECT gen_random_uuid(), 'apr_1', 'default', 'approval.created', '', now() + i * "
          "interval '1 second' FROM generate_series(1, " +
              std::to_string(kWebhookEventsMax + 3) + ") i"
      ),
      IsOk()
  );
  EXPECT_EQ(run_sync(loop_, store_->give_up(0)).value().size(), 3U);
  EXPECT_EQ(count(), kWebhookEventsMax);
}

TEST_F(PolicyWebhooks, TheServicesRoleCannotRewriteAnEvent) {
  for (const char* sql :
       {"UPDATE policy.webhook_events SET body = body",
        "UPDATE policy.webhook_events SET event_id = event_id"}) {
    EXPECT_THAT(query(*pool_, sql), HasCode(Code::Denied)) << sql;
  }
}

}  // namespace
}  // namespace sluice::policy_engine
