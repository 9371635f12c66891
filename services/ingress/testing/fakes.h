// Fakes of ports.h: they answer what a test gave them, remember what they were asked, and fail
// where a FaultPlan says so.
#pragma once

#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/testing/fault_plan.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::ingress {

inline Result<void> fault_of(testing::FaultPlan* faults) {
  return faults == nullptr ? Result<void>() : faults->step();
}

// Knows callers by credential; shows the tools it was given; decides by a script. In agent mode,
// and without one, it decides as it shows the tools.
class FakePolicyEngine final : public PolicyEngine {
 public:
  explicit FakePolicyEngine(const async::Clock* clock, testing::FaultPlan* faults = nullptr)
      : clock_(clock), faults_(faults) {}

  Async<policy::v1::AuthenticateReply> authenticate(
      policy::v1::AuthenticateRequest request, RequestContext context
  ) override;
  Async<policy::v1::VisibleReply> visible(
      policy::v1::VisibleRequest request, RequestContext context
  ) override;
  Async<policy::v1::DecideReply> decide(policy::v1::DecideRequest request, RequestContext context)
      override;
  Async<policy::v1::ManageReply> manage(policy::v1::ManageRequest request, RequestContext context)
      override;

  void add_caller(const std::string& credential, policy::v1::CallerClaims claims) {
    callers_[credential] = std::move(claims);
  }

  void remove_caller(const std::string& credential) { callers_.erase(credential); }

  void set_down(bool down) { down_ = down; }

  void push_decision(Result<policy::v1::Decision> decision) {
    decisions_.push_back(std::move(decision));
  }

  policy::v1::VisibleReply shown;  // what visible() answers
  bool names_no_catalog = false;   // it cannot tell of every tool
  policy::v1::ManageReply manage_reply;
  std::uint64_t policy_version = 7;
  std::vector<policy::v1::AuthenticateRequest> authentications;
  std::vector<policy::v1::VisibleRequest> views;
  std::vector<std::pair<policy::v1::DecideRequest, RequestContext>> decides;
  std::vector<std::pair<policy::v1::ManageRequest, RequestContext>> managed;

 private:
  [[nodiscard]] policy::v1::Decision agent_decision(const policy::v1::ToolCall& call) const;

  const async::Clock* clock_;
  testing::FaultPlan* faults_;
  bool down_ = false;
  std::map<std::string, policy::v1::CallerClaims> callers_;
  std::deque<Result<policy::v1::Decision>> decisions_;
};

// One answer of a provider: chunks, then the final or an error.
struct ScriptedAnswer {
  std::vector<std::string> chunks;
  provider::v1::ChatFinal final;
  std::optional<Error> error;  // instead of the final
};

class ScriptedProvider final : public ProviderRouter {
 public:
  explicit ScriptedProvider(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::unique_ptr<ChatStream>> chat(provider::v1::ChatRequest request, RequestContext context)
      override;
  Async<provider::v1::EmbedReply> embed(provider::v1::EmbedRequest request, RequestContext context)
      override;
  Async<provider::v1::ModelsReply> models(RequestContext context) override;

  void push(ScriptedAnswer answer) { answers_.push_back(std::move(answer)); }

  provider::v1::EmbedReply embed_reply;
  provider::v1::ModelsReply models_reply;
  std::vector<std::pair<provider::v1::ChatRequest, RequestContext>> chats;
  std::vector<provider::v1::EmbedRequest> embeds;
  int streams_open = 0;

 private:
  testing::FaultPlan* faults_;
  std::deque<ScriptedAnswer> answers_;
};

class FakeToolServers final : public ToolServers {
 public:
  explicit FakeToolServers(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;
  // Reports progress, then plays one final after the other; without one the tool says "done".
  Async<connector::v1::Final> request(
      connector::v1::Request request, ProgressSink progress, RequestContext context
  ) override;
  // The same.
  Async<connector::v1::Final> go_on(
      connector::v1::Input input, ProgressSink progress, RequestContext context
  ) override;
  Async<connector::v1::ManageReply> list(RequestContext context) override;
  Async<connector::v1::ManageReply> manage(
      connector::v1::ManageRequest request, RequestContext context
  ) override;

  void push(Result<connector::v1::Final> final) { finals_.push_back(std::move(final)); }

  void set_down(bool down) { down_ = down; }

  connector::v1::CatalogReply catalog_reply;
  connector::v1::ManageReply list_reply;
  connector::v1::ManageReply manage_reply;
  std::optional<Error> manage_error;
  std::vector<std::pair<connector::v1::ManageRequest, RequestContext>> managed;
  std::vector<std::string> progress;  // of each request
  int catalogs = 0;
  std::vector<std::pair<connector::v1::Request, RequestContext>> requests;
  std::vector<std::pair<connector::v1::Input, RequestContext>> inputs;
  async::OneShot<void>* hold = nullptr;  // requests wait for it before they end
  // Instead of all that, where it is set.
  std::function<Async<connector::v1::Final>(connector::v1::Request, RequestContext)> answer;

 private:
  Async<connector::v1::Final> play(ProgressSink sink);

  testing::FaultPlan* faults_;
  bool down_ = false;
  std::deque<Result<connector::v1::Final>> finals_;
};

// Plays one run after the other; without one a script answers null. Describes itself as "found".
class FakeCodeRunner final : public CodeRunner {
 public:
  explicit FakeCodeRunner(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<codemode::v1::DescribeReply> describe(
      codemode::v1::DescribeRequest request, RequestContext context
  ) override;
  Async<codemode::v1::RunFinal> run(
      codemode::v1::RunRequest request,
      std::function<void(const codemode::v1::RunProgress&)> line,
      RequestContext context
  ) override;

  void push(Result<codemode::v1::RunFinal> final) { finals_.push_back(std::move(final)); }

  std::vector<codemode::v1::RunProgress> lines;  // of each run
  std::vector<std::pair<codemode::v1::DescribeRequest, RequestContext>> described;
  std::vector<std::pair<codemode::v1::RunRequest, RequestContext>> runs;

 private:
  testing::FaultPlan* faults_;
  std::deque<Result<codemode::v1::RunFinal>> finals_;
};

class FakeReplicas final : public OtherReplicas {
 public:
  Result<void> tell(const v1::ClientMessage& message) override {
    told.push_back(message);
    return {};
  }

  std::vector<v1::ClientMessage> told;
};

// Shows and answers the approvals a test put in.
class FakeApprovals final : public Approvals {
 public:
  Async<policy::v1::ListApprovalsReply> list(
      policy::v1::ListApprovalsRequest request, RequestContext context
  ) override;
  Async<policy::v1::GetApprovalReply> get(
      policy::v1::GetApprovalRequest request, RequestContext context
  ) override;
  Async<policy::v1::AnswerApprovalReply> answer(
      policy::v1::AnswerApprovalRequest request, RequestContext context
  ) override;

  std::vector<policy::v1::Approval> known;
  bool takes_answers = true;  // else they are Denied, and change nothing
  std::vector<policy::v1::ListApprovalsRequest> lists;
  std::vector<policy::v1::AnswerApprovalRequest> answers;

 private:
  [[nodiscard]] Result<policy::v1::Approval*> find(const std::string& id);
};

class FakeAuditJournal final : public AuditJournal {
 public:
  explicit FakeAuditJournal(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<audit::v1::JournalReply> journal(audit::v1::JournalRequest request, RequestContext context)
      override;

  void set_down(bool down) { down_ = down; }

  audit::v1::JournalReply reply;
  std::vector<audit::v1::JournalRequest> requests;

 private:
  testing::FaultPlan* faults_;
  bool down_ = false;
};

}  // namespace sluice::ingress
