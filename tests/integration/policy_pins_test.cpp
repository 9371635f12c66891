// Pins in a real Postgres, with the service's own role over the real migrations: what replicas see
// at the same moment is pinned, and recorded, once.
#include "services/policy-engine/adapters/pg_approval_store.h"
#include "services/policy-engine/adapters/pg_pin_store.h"
#include "services/policy-engine/limits.h"
#include "tests/integration/policy_rig.h"

#include "common/crypto/sha256.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

namespace sluice::policy_engine {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;

constexpr std::int64_t kNow = 1'800'000'000'000;

class Told {
 public:
  Told& with(const std::string& server, const std::string& tool, const std::string& text = "{}") {
    connector::v1::ServerCatalog* found = nullptr;
    for (auto& one : *reply_->mutable_servers()) {
      found = one.name() == server ? &one : found;
    }
    if (found == nullptr) {
      found = reply_->add_servers();
      found->set_name(server);
    }
    auto* const added = found->add_tools();
    added->set_name(tool);
    added->set_definition(text);
    added->set_definition_hash(crypto::sha256(text));
    return *this;
  }

  [[nodiscard]] PinCheckRequest check(ToolPins mode = ToolPins::FirstUse) const {
    return {reply_, mode, kNow};
  }

 private:
  std::shared_ptr<connector::v1::CatalogReply> reply_ =
      std::make_shared<connector::v1::CatalogReply>();
};

class PinsTest : public PolicyTest {
 protected:
  // One replica: its own connections.
  struct Replica {
    explicit Replica(const postgres::Options& options)
        : clock(loop.get_executor()), pool(postgres::Pool::open(&clock, &log, options)) {}

    template <class T>
    Result<T> run(Async<T> operation) {
      return run_sync(loop, std::move(operation));
    }

    Loop loop{1};
    async::SystemClock clock;
    observability::RecordingLog log;
    std::unique_ptr<postgres::Pool> pool;
    PgPinStore pins{pool.get()};
    PgApprovalStore approvals{pool.get()};
  };

  void SetUp() override {
    PolicyTest::SetUp();
    replica = std::make_unique<Replica>(as_service());
  }

  PinCheckReply check(const Told& catalog, ToolPins mode = ToolPins::FirstUse) {
    auto reply = replica->run(replica->pins.check(catalog.check(mode)));
    EXPECT_THAT(reply, IsOk());
    return reply.ok() ? std::move(reply).value() : PinCheckReply();
  }

  // How many records of each action wait to be published.
  std::map<std::string, int> recorded() {
    std::map<std::string, int> counts;
    const auto claimed = replica->run(replica->approvals.claim_records());
    EXPECT_THAT(claimed, IsOk());
    for (const OutboxRecord& one : claimed.value()) {
      ++counts[one.record.action()];
    }
    return counts;
  }

  StoredPin pin_of(const std::string& server, const std::string& tool) {
    return replica->run(replica->pins.get({server, tool})).value().value();
  }

  std::unique_ptr<Replica> replica;
};

TEST_F(PinsTest, ReplicasThatSeeAToolFirstPinOneDefinitionOfIt) {
  constexpr int kReplicas = 8;
  std::vector<std::future<PinCheckReply>> replies;
  for (int i = 0; i < kReplicas; ++i) {
    replies.push_back(std::async(std::launch::async, [this, i] {
      Replica one(as_service());
      const Told catalog =
          Told().with("files", "read_file", R"({"told":)" + std::to_string(i % 2) + "}");
      return one.run(one.pins.check(catalog.check())).value();
    }));
  }

  std::map<PinChange, int> noted;
  std::set<std::string> pinned;
  for (auto& reply : replies) {
    const PinCheckReply got = reply.get();
    pinned.insert(got.pinned_hashes.at(0));
    for (const NotedPin& one : got.noted) {
      ++noted[one.change];
    }
  }

  EXPECT_EQ(pinned.size(), 1U) << "all agree";
  EXPECT_EQ(noted[PinChange::Pinned], 1);
  EXPECT_EQ(recorded()["tool.pinned"], 1);
  EXPECT_EQ(pin_of("files", "read_file").pinned_hash, *pinned.begin());
  EXPECT_EQ(pin_of("files", "read_file").pinned_by, "first use");
}

TEST_F(PinsTest, AQuarantineIsRecordedOnceOverReplicas) {
  check(Told().with("files", "read_file"));
  const Told changed = Told().with("files", "read_file", R"({"a":"\u0000\"\\é"})");
  std::vector<std::future<std::size_t>> noted;
  for (int i = 0; i < 8; ++i) {
    noted.push_back(std::async(std::launch::async, [this, &changed] {
      Replica one(as_service());
      return one.run(one.pins.check(changed.check())).value().noted.size();
    }));
  }

  std::size_t all = 0;
  for (auto& one : noted) {
    all += one.get();
  }

  EXPECT_EQ(all, 1U);
  EXPECT_EQ(recorded()["tool.quarantined"], 1);
  const StoredPin pin = pin_of("files", "read_file");
  EXPECT_TRUE(pin.is_quarantined());
  EXPECT_EQ(pin.pinned_hash, crypto::sha256("{}"));
  EXPECT_EQ(pin.offered_definition, R"({"a":"\u0000\"\\é"})") << "to the byte";
  EXPECT_EQ(pin.offered_unix_ms, kNow);
}

TEST_F(PinsTest, TheDefinitionAnAdminAgreesToIsPinned) {
  check(Told().with("files", "read_file"));
  const Told changed = Told().with("files", "read_file", R"({"a":1})");
  const std::uint64_t revision = check(changed).revision;
  PinApproval approval;
  approval.name = {"files", "read_file"};
  approval.definition_hash = crypto::sha256("{}");
  approval.principal = "key:root";
  approval.now_unix_ms = kNow + 1'000;
  EXPECT_THAT(replica->run(replica->pins.approve(approval)), HasCode(Code::Conflict));
  approval.definition_hash = crypto::sha256(R"({"a":1})");

  const auto approved = replica->run(replica->pins.approve(approval));

  ASSERT_THAT(approved, IsOk());
  EXPECT_TRUE(approved.value().changed);
  EXPECT_EQ(approved.value().revision, revision + 1);
  const StoredPin pin = pin_of("files", "read_file");
  EXPECT_FALSE(pin.is_quarantined());
  EXPECT_EQ(pin.pinned_by, "key:root");
  EXPECT_EQ(pin.pinned_definition, R"({"a":1})");
  EXPECT_EQ(pin.pinned_unix_ms, kNow + 1'000);
  EXPECT_EQ(check(changed).revision, revision + 1);
  EXPECT_FALSE(replica->run(replica->pins.approve(approval)).value().changed) << "a repeat";
  EXPECT_EQ(recorded()["tool.pin_approved"], 1);
  approval.name.tool = "other";
  EXPECT_THAT(replica->run(replica->pins.approve(approval)), HasCode(Code::NotFound));
}

TEST_F(PinsTest, ADefinitionThatIsThePinnedOneAgainIsReleased) {
  check(Told().with("files", "read_file"));
  check(Told().with("files", "read_file", R"({"a":1})"));

  const PinCheckReply reply = check(Told().with("files", "read_file"));

  ASSERT_EQ(reply.noted.size(), 1U);
  EXPECT_EQ(reply.noted[0].change, PinChange::Released);
  EXPECT_FALSE(pin_of("files", "read_file").is_quarantined());
}

TEST_F(PinsTest, WithoutAFirstUseToolsWaitForAnAdminAndAreLetInByASettingThatChanges) {
  const Told catalog = Told().with("files", "read_file");

  EXPECT_EQ(check(catalog, ToolPins::Approve).pinned_hashes.at(0), "");
  EXPECT_EQ(check(catalog, ToolPins::Approve).noted.size(), 0U);
  EXPECT_TRUE(pin_of("files", "read_file").is_quarantined());

  EXPECT_EQ(check(catalog).pinned_hashes.at(0), crypto::sha256("{}"));
  EXPECT_FALSE(pin_of("files", "read_file").is_quarantined());
}

TEST_F(PinsTest, ConfusableNamesAreFoundAndRecordedOnce) {
  check(Told().with("files", "read_file"));
  const Told both = Told().with("files", "read_file").with("evil", "read_fi1e");

  EXPECT_EQ(check(both).confusable.size(), 1U);
  EXPECT_EQ(check(both).confusable.size(), 0U);

  EXPECT_EQ(recorded()["tool.confusable"], 1);
  const auto pins = replica->run(replica->pins.list(false)).value();
  ASSERT_EQ(pins.size(), 2U);
  EXPECT_EQ(pins[0].confusable_with.at(0), (ToolName{"files", "read_file"}));
  EXPECT_EQ(pin_of("files", "read_file").confusable_with.at(0), (ToolName{"evil", "read_fi1e"}));
  EXPECT_TRUE(replica->run(replica->pins.list(true)).value().empty());
}

TEST_F(PinsTest, OpenApprovalsForAnotherDefinitionThanAQuarantinedToolsAreFound) {
  const auto ask = [this](const std::string& id, const std::string& definition) {
    policy::v1::Approval approval;
    approval.set_id("apr_" + id + std::string(26 - id.size(), '0'));
    approval.set_tenant("default");
    approval.set_principal("key:alice");
    approval.set_server("files");
    approval.set_tool("read_file");
    approval.set_definition_hash(crypto::sha256(definition));
    approval.set_required(policy::v1::VERDICT_APPROVE);
    approval.set_state(policy::v1::APPROVAL_STATE_PENDING);
    approval.set_created_unix_ms(kNow);
    approval.set_expires_unix_ms(kNow + 3'600'000);
    NewApproval made;
    made.stored.approval = approval;
    ASSERT_THAT(replica->run(replica->approvals.find_or_add({made})), IsOk());
  };
  check(Told().with("files", "read_file"));
  ask("old", "{}");
  EXPECT_TRUE(replica->run(replica->approvals.of_quarantined()).value().empty());

  check(Told().with("files", "read_file", R"({"a":1})"));
  ask("new", R"({"a":1})");

  EXPECT_EQ(
      replica->run(replica->approvals.of_quarantined()).value(),
      std::vector<std::string>{"apr_old" + std::string(23, '0')}
  );
}

TEST_F(PinsTest, TenThousandToolsArePinnedAndChecked) {
  Told catalog;
  for (int i = 0; i < 10'000; ++i) {
    catalog.with(
        "server" + std::to_string(i % 100),
        "tool_" + std::to_string(i * 7919),
        R"({"description":")" + std::string(500, 'd') + std::to_string(i) + "\"}"
    );
  }
  const auto time_of = [this, &catalog](const char* what) {
    const TimePoint begun = replica->clock.now();
    const PinCheckReply reply = check(catalog);
    std::cout << what << " 10,000 tools: "
              << std::chrono::duration_cast<std::chrono::milliseconds>(replica->clock.now() - begun)
                     .count()
              << " ms, " << reply.noted.size() << " noted, " << reply.confusable.size()
              << " confusable\n";
    return reply;
  };

  EXPECT_EQ(time_of("pinning").noted.size(), 10'000U);
  EXPECT_EQ(time_of("checking").noted.size(), 0U);
}

}  // namespace
}  // namespace sluice::policy_engine
