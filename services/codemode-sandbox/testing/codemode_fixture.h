// A caller with a signed token, fakes of ports.h, and the run handler over them.
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/handlers/run.h"
#include "services/codemode-sandbox/ports.h"

#include "common/audit/testing/recording_client.h"
#include "common/crypto/ed25519.h"
#include "common/observability/testing/recording_log.h"
#include "common/testing/fault_plan.h"
#include "common/testing/manual_clock.h"
#include "common/testing/run_sync.h"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

// Plays scripts: the events it was given, one after the other. A test's hook may answer with more.
class ScriptedRunners final : public Runners {
 public:
  explicit ScriptedRunners(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Result<std::unique_ptr<Script>> start(runner::Run run, TimePoint deadline) override;

  // Events of the next script. Before the first event whose kind is Finished, every call is waited
  // for.
  void push(Result<ScriptEvent> event) { events_.push_back(std::move(event)); }

  void call(
      std::uint32_t id,
      const std::string& function,
      const std::string& arguments = "{}",
      const std::string& site = "1:1",
      const std::string& server = "files"
  );
  void console(const std::string& text, const std::string& level = "log");
  void finish(const std::string& value);
  void fail(codemode::v1::Outcome outcome, const std::string& message);

  [[nodiscard]] const runner::CallResult* answer_to(std::uint32_t call_id) const;

  std::vector<runner::Run> runs;
  std::vector<runner::CallResult> answers;
  // What the check of the next script finds; unset: the calls that are given.
  std::optional<codemode::v1::Check> check;
  std::vector<bool> parks;
  std::function<void()> on_turn = [] {};  // of the loop, while a script waits for answers
  int proceeded = 0;
  int scripts_open = 0;

 private:
  class Played;

  testing::FaultPlan* faults_;
  std::deque<Result<ScriptEvent>> events_;
};

class FakePolicyEngine final : public PolicyEngine {
 public:
  explicit FakePolicyEngine(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) override;
  Async<policy::v1::DecideReply> decide(policy::v1::DecideRequest request, RequestContext context)
      override;

  // A tool of a server offered to scripts, by default.
  void show(
      const std::string& server,
      const std::string& tool,
      policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_WRITE,
      bool code_mode = true
  );

  // Of a script's call set: manual unless it is told here.
  std::map<std::string, policy::v1::Verdict> set_verdicts;  // by tool
  std::vector<policy::v1::DecideRequest> scripts;

  void push(Result<policy::v1::Decision> decision) { decisions_.push_back(std::move(decision)); }

  policy::v1::VisibleReply shown;
  std::vector<policy::v1::VisibleRequest> views;
  std::vector<std::pair<policy::v1::DecideRequest, RequestContext>> decides;

 private:
  testing::FaultPlan* faults_;
  std::deque<Result<policy::v1::Decision>> decisions_;
};

class FakeToolServers final : public ToolServers {
 public:
  explicit FakeToolServers(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<connector::v1::Final> request(connector::v1::Request request, RequestContext context)
      override;
  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;

  void push(Result<connector::v1::Final> final) { finals_.push_back(std::move(final)); }

  // A result with one text.
  void push_text(const std::string& text);

  connector::v1::CatalogReply known;
  std::vector<std::pair<connector::v1::Request, RequestContext>> requests;

 private:
  testing::FaultPlan* faults_;
  std::deque<Result<connector::v1::Final>> finals_;
};

class FakeAuditJournal final : public AuditJournal {
 public:
  Async<audit::v1::JournalReply> journal(audit::v1::JournalRequest request, RequestContext context)
      override;

  // What it knows of an execution: kept result and outcome.
  void knows(audit::v1::Outcome outcome, const std::string& result);

  audit::v1::JournalReply reply;
  std::vector<audit::v1::JournalRequest> requests;
};

class RecordingAnnouncer final : public RunAnnouncer {
 public:
  void run_changed(const codemode::v1::RunChanged& event) override { events.push_back(event); }

  std::vector<codemode::v1::RunChanged> events;
};

class RecordingConsole final : public ConsoleWriter {
 public:
  Async<void> write(codemode::v1::RunProgress chunk) override;

  // "level: text" each.
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  void set_gone(bool gone) { gone_ = gone; }

 private:
  std::vector<std::string> lines_;
  bool gone_ = false;
};

// Server "files" has read_file (a read) and write_file (a write), both offered to scripts.
class CodemodeFixture {
 public:
  explicit CodemodeFixture(testing::FaultPlan* faults = nullptr);
  CodemodeFixture(const CodemodeFixture&) = delete;
  CodemodeFixture& operator=(const CodemodeFixture&) = delete;
  CodemodeFixture(CodemodeFixture&&) = delete;
  CodemodeFixture& operator=(CodemodeFixture&&) = delete;
  ~CodemodeFixture();

  // Of tenant "default" and principal "key:team-a", with a token that is valid for the next minute;
  // in a chain, at hop 10.
  [[nodiscard]] RequestContext context() const;
  // The same with that role.
  [[nodiscard]] RequestContext context_with_role(const std::string& role) const;
  // The same with a token signed by a key nobody trusts.
  [[nodiscard]] RequestContext stranger() const;

  // Runs the script that the runners were given.
  Result<codemode::v1::RunFinal> run_script(
      const std::string& source = "return 1", const std::string& tool_call_id = "call_1"
  );

  template <class T>
  Result<T> run_sync(Async<T> operation) {
    return testing::run_sync(loop, std::move(operation));
  }

  boost::asio::io_context loop{1};
  testing::ManualClock clock;
  observability::RecordingLog log;
  std::unique_ptr<observability::Metrics> metrics = observability::make_metrics();
  audit::RecordingClient audit;
  ScriptedRunners runners;
  FakePolicyEngine policy;
  FakeToolServers servers;
  FakeAuditJournal journal;
  RecordingAnnouncer announcer;
  RecordingConsole console;

 private:
  [[nodiscard]] RequestContext context_signed_by(
      const crypto::PrivateKey& key, const std::string& role = ""
  ) const;

  crypto::PrivateKey key_ = crypto::PrivateKey::generate();
  grant::KeyRing keys_;

 public:
  CallerCheck callers;
  RunList list;
  async::KeyWatch approvals;
  ParkingLot lot;
  ScriptApis apis;
  ScriptReview review;
  ToolCaller tools;
  RunHandler run;
};

// A granted decision, unless grant is empty.
[[nodiscard]] policy::v1::Decision decision_of(
    policy::v1::Verdict verdict,
    const std::string& grant,
    policy::v1::EffectClass effect = policy::v1::EFFECT_CLASS_WRITE
);

}  // namespace sluice::codemode_sandbox
