// PolicyFixture: the handlers over fakes, with settings written as in the configuration file. One
// caller per key.
#pragma once

#include "services/policy-engine/domain/caller_check.h"
#include "services/policy-engine/domain/catalog_cache.h"
#include "services/policy-engine/domain/jwt_verifier.h"
#include "services/policy-engine/domain/pin_book.h"
#include "services/policy-engine/domain/version_binding.h"
#include "services/policy-engine/handlers/approval_upkeep.h"
#include "services/policy-engine/handlers/approvals_answer.h"
#include "services/policy-engine/handlers/approvals_get.h"
#include "services/policy-engine/handlers/approvals_list.h"
#include "services/policy-engine/handlers/authenticate.h"
#include "services/policy-engine/handlers/beat.h"
#include "services/policy-engine/handlers/decide.h"
#include "services/policy-engine/handlers/manage.h"
#include "services/policy-engine/handlers/manage_pins.h"
#include "services/policy-engine/handlers/pin_upkeep.h"
#include "services/policy-engine/handlers/setup.h"
#include "services/policy-engine/handlers/visible.h"
#include "services/policy-engine/testing/fake_call_counters.h"
#include "services/policy-engine/testing/fakes.h"

#include "common/audit/testing/recording_client.h"
#include "common/config/config.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_in_time.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::policy_engine {

// The policy of a settings text; aborts when it has faults.
[[nodiscard]] Policy policy_of(std::string_view settings);

// Text of the key whose id is given, in settings made by key_entry().
[[nodiscard]] std::string key_text(std::string_view id);
// {"id": …, "sha256": …, more…} for auth.keys; more begins with a comma or is empty.
[[nodiscard]] std::string key_entry(std::string_view id, std::string_view more = "");

class PolicyFixture {
 public:
  // Settings with the servers given (JSON members of client configs by name are up to the test),
  // and keys "alice", "bob", "carol" and "dave" (approvers) and "root" (an admin). Loaded as
  // version 1 unless load is Later.
  enum class Load { Now, Later };

  explicit PolicyFixture(
      std::string_view settings = "", testing::FaultPlan* faults = nullptr, Load load = Load::Now
  );
  PolicyFixture(const PolicyFixture&) = delete;
  PolicyFixture& operator=(const PolicyFixture&) = delete;
  PolicyFixture(PolicyFixture&&) = delete;
  PolicyFixture& operator=(PolicyFixture&&) = delete;
  ~PolicyFixture();

  // Files, with read_file, write_file and delete_file; preset manual.
  static std::string default_settings();
  // A settings text with that preset and those members of the server "files".
  static std::string settings_with(std::string_view preset, std::string_view server_members);

  template <class T>
  Result<T> run(Async<T> operation) {
    return testing::run_sync(loop, std::move(operation));
  }

  // For what waits; as testing::run_in_time.
  template <class T>
  Result<T> run_in_time(
      Async<T> operation, Duration step, const std::function<void()>& before_step = [] {}
  ) {
    return testing::run_in_time(loop, &clock, std::move(operation), step, before_step);
  }

  // A context that carries a fresh token of that key.
  [[nodiscard]] RequestContext context_of(std::string_view key_id);
  [[nodiscard]] RequestContext context_without_token() const;
  // One call of that tool as the catalog now describes it, with arguments {}.
  [[nodiscard]] policy::v1::DecideRequest request_for(std::string_view tool, policy::v1::Mode mode)
      const;
  void add_call(policy::v1::DecideRequest* request, std::string_view tool) const;
  // One call of that method of the server "files", with params {}.
  [[nodiscard]] policy::v1::DecideRequest read_request(
      std::string_view method, policy::v1::Mode mode
  ) const;
  [[nodiscard]] Result<policy::v1::DecideReply> decide_one(
      std::string_view tool, policy::v1::Mode mode
  );

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  crypto::PrivateKey token_key = crypto::PrivateKey::generate();
  crypto::PrivateKey grant_key = crypto::PrivateKey::generate();
  grant::KeyRing grant_ring;
  grant::KeyRing token_ring;
  FakeToolServers servers;
  FakePolicyStore stored;
  FakeVersionStore versions;
  FakeKeySets key_sets;
  FakePinStore pins{&stored};  // without faults: pin_book_test.cpp has those
  FakeApprovalStore approvals;
  FakeGrantUses grant_uses;
  RecordingApprovalEvents approval_events;
  FakeCallCounters counters;
  RecordingBeatSink beats;
  audit::RecordingClient audit;
  PolicyState state;
  VersionBinding binding{&versions, &state};
  FakeSettingsFile settings_file;
  async::TaskGroup tasks{loop.get_executor(), nullptr};
  PinBook pin_book{{&pins, &state, &clock, &log, metrics.get()}};
  CatalogCache catalogs;
  JwtVerifier jwt;
  std::unique_ptr<CallerCheck> callers;
  std::unique_ptr<AuthenticateHandler> authenticate;
  std::unique_ptr<VisibleHandler> visible;
  LimitGate limits{{&counters, &clock, &log, metrics.get()}};
  ApprovalGate gate{{&approvals, &grant_uses, &approval_events, &limits, &clock, &log}};
  std::unique_ptr<DecideHandler> decide;
  std::unique_ptr<ApprovalsListHandler> approvals_list;
  std::unique_ptr<ApprovalsGetHandler> approvals_get;
  std::unique_ptr<ApprovalsAnswerHandler> approvals_answer;
  ApprovalUpkeep upkeep{{&approvals, &approval_events, &audit, &clock, &log}};
  PinUpkeep pin_upkeep{{&approvals, &approval_events, &pin_book, &state, &clock, &log}};
  std::unique_ptr<PolicyReload> reload;
  std::unique_ptr<ManageKeys> manage_keys;
  std::unique_ptr<SetupHandler> setup;
  std::unique_ptr<ManagePins> manage_pins;
  LimitOverview limit_overview{&counters, &clock};
  std::unique_ptr<ManageHandler> manage;
  std::unique_ptr<Beat> beat;
};

}  // namespace sluice::policy_engine
