// Fakes of ports.h. Each may be made to fail by a FaultPlan.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/testing/fault_plan.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// Answers the catalog a test put in.
class FakeToolServers final : public ToolServers {
 public:
  explicit FakeToolServers(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;

  // Adds a tool, or replaces its definition, and gives the catalog a new version.
  void put(
      const std::string& server, const std::string& tool, const std::string& definition = "{}"
  );
  // A server without tools, connected unless another state is given.
  void put_server(
      const std::string& server,
      connector::v1::ServerState state = connector::v1::SERVER_STATE_CONNECTED
  );
  void remove_all();

  [[nodiscard]] int fetches() const { return fetches_; }

  [[nodiscard]] const std::string& version() const { return reply_.version(); }

 private:
  connector::v1::ServerCatalog* server_named(const std::string& server);
  void take_new_version();

  testing::FaultPlan* faults_;
  connector::v1::CatalogReply reply_;
  int changes_ = 0;
  int fetches_ = 0;
};

// The stored policy in memory, with the rules of the real store.
class FakePolicyStore final : public PolicyStore {
 public:
  explicit FakePolicyStore(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<StoredPolicy> read() override;
  Async<std::uint64_t> revision() override;
  Async<std::vector<CallerKey>> revoked() override;
  Async<ChangedKey> change(KeyTransition transition) override;
  Async<bool> offer_setup(std::string token_digest) override;
  Async<ChangedKey> use_setup(std::string token_digest, KeyTransition transition) override;

  // Actions of the records in the outbox, in their order.
  [[nodiscard]] std::vector<std::string> actions() const;

  StoredPolicy stored;
  std::vector<CallerKey> gone;  // revoked, newest first
  std::vector<audit::v1::Record> outbox;
  std::string setup_digest;
  bool setup_used = false;

 private:
  [[nodiscard]] Result<void> step() {
    return faults_ == nullptr ? Result<void>() : faults_->step();
  }

  [[nodiscard]] Result<ChangedKey> apply(const KeyTransition& transition);

  testing::FaultPlan* faults_;
};

// The sequence in memory.
class FakeVersionStore final : public VersionStore {
 public:
  // stored is whose revision a claim must have; none: that is not looked at.
  explicit FakeVersionStore(
      testing::FaultPlan* faults = nullptr, const FakePolicyStore* stored = nullptr
  )
      : faults_(faults), stored_(stored) {}

  Async<BoundVersion> claim(VersionClaim claim) override;
  Async<BoundVersion> newest() override;

  // As another replica would.
  Async<BoundVersion> claim(std::string hash);

 private:
  testing::FaultPlan* faults_;
  const FakePolicyStore* stored_;
  std::vector<BoundVersion> versions_;
};

// A file a test writes.
class FakeSettingsFile final : public SettingsFile {
 public:
  explicit FakeSettingsFile(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<ReadSettings> read() override;
  Async<std::string> stamp() override;

  void write(ReadSettings settings);
  // What reading it answers until the next write.
  void spoil(Error error);

  [[nodiscard]] int reads() const { return reads_; }

 private:
  testing::FaultPlan* faults_;
  ReadSettings settings_;
  std::optional<Error> error_;
  int changes_ = 0;
  int reads_ = 0;
};

// Publishes what a test put in.
class FakeKeySets final : public KeySets {
 public:
  explicit FakeKeySets(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::string> fetch(JwtIssuer issuer, TimePoint deadline) override;

  void set_down(bool down) { down_ = down; }

  std::string published;
  std::vector<std::string> fetches;  // the issuers asked

 private:
  testing::FaultPlan* faults_;
  bool down_ = false;
};

// Pins in memory, with the rules of the real store.
class FakePinStore final : public PinStore {
 public:
  // stored is whose revision approvals raise; it outlives the store.
  explicit FakePinStore(FakePolicyStore* stored, testing::FaultPlan* faults = nullptr)
      : stored_(stored), faults_(faults) {}

  Async<PinCheckReply> check(PinCheckRequest request) override;
  Async<std::vector<StoredPin>> list(bool quarantined_only) override;
  Async<std::optional<StoredPin>> get(ToolName name) override;
  Async<PinApproved> approve(PinApproval approval) override;

  void set_down(bool down) { down_ = down; }

  // Actions and tools of the records, in their order: "tool.pinned files-read_file".
  [[nodiscard]] std::vector<std::string> noted() const;

  PinsByName pins;
  std::vector<audit::v1::Record> records;
  int checks = 0;

 private:
  [[nodiscard]] Result<void> step() const;

  FakePolicyStore* stored_;
  testing::FaultPlan* faults_;
  bool down_ = false;
};

// Approvals in memory, with the rules of the real store.
class FakeApprovalStore final : public ApprovalStore {
 public:
  explicit FakeApprovalStore(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::vector<std::optional<StoredApproval>>> find_or_add(std::vector<NewApproval> asked
  ) override;
  Async<ChangedApproval> change(std::string id, ApprovalTransition transition) override;
  Async<std::optional<StoredApproval>> get(std::string id) override;
  Async<ApprovalPage> list(ApprovalFilter filter) override;
  Async<std::vector<std::string>> due(std::int64_t now_unix_ms) override;
  Async<std::vector<std::string>> of_quarantined() override;
  Async<void> forget(std::int64_t expired_before_unix_ms) override;
  Async<std::vector<OutboxRecord>> claim_records() override;
  Async<void> remove_records(std::vector<std::string> event_ids) override;

  // Actions of the records in the outbox, in their order.
  [[nodiscard]] std::vector<std::string> actions() const;

  std::vector<StoredApproval> approvals;  // oldest first
  std::vector<OutboxRecord> outbox;
  const FakePinStore* pins = nullptr;  // whose tools may be quarantined

 private:
  [[nodiscard]] Result<void> step() {
    return faults_ == nullptr ? Result<void>() : faults_->step();
  }

  [[nodiscard]] std::optional<StoredApproval> find_or_add_one(NewApproval asked);
  void add_records(const ChangeRecords& records);

  testing::FaultPlan* faults_;
};

// Makes every grant void that a test has not said to be used.
class FakeGrantUses final : public GrantUses {
 public:
  explicit FakeGrantUses(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<audit::v1::VoidGrantReply> void_grant(
      audit::v1::VoidGrantRequest request, RequestContext context
  ) override;

  std::vector<std::string> used;    // grant ids
  std::vector<std::string> voided;  // in the order asked for

 private:
  testing::FaultPlan* faults_;
};

class RecordingApprovalEvents final : public ApprovalEvents {
 public:
  Result<void> publish(const policy::v1::ApprovalChanged& event) override {
    events.push_back(event);
    return {};
  }

  std::vector<policy::v1::ApprovalChanged> events;
};

class RecordingBeatSink final : public BeatSink {
 public:
  explicit RecordingBeatSink(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Result<void> publish(const policy::v1::PolicyBeat& beat) override;

  [[nodiscard]] const std::vector<policy::v1::PolicyBeat>& beats() const { return beats_; }

 private:
  testing::FaultPlan* faults_;
  std::vector<policy::v1::PolicyBeat> beats_;
};

}  // namespace sluice::policy_engine
