#include "services/ingress/testing/fakes.h"

namespace sluice::ingress {
namespace {

constexpr std::int64_t kTokenLifeMs = 60'000;

Error down(const std::string& service) {
  return Error(Code::Unavailable, service + " does not answer");
}

class ScriptedStream final : public ChatStream {
 public:
  ScriptedStream(ScriptedAnswer answer, int* open, testing::FaultPlan* faults)
      : answer_(std::move(answer)), open_(open), faults_(faults) {
    ++*open_;
  }

  ~ScriptedStream() override { --*open_; }

  Async<std::optional<provider::v1::ChatChunk>> next() override {
    SLUICE_CO_CHECK_OK(fault_of(faults_));
    if (at_ < answer_.chunks.size()) {
      provider::v1::ChatChunk chunk;
      chunk.set_events(answer_.chunks[at_++]);
      co_return std::optional<provider::v1::ChatChunk>(std::move(chunk));
    }
    if (answer_.error) {
      co_return *answer_.error;
    }
    co_return std::optional<provider::v1::ChatChunk>();
  }

  provider::v1::ChatFinal& final() override { return answer_.final; }

 private:
  ScriptedAnswer answer_;
  int* open_;
  testing::FaultPlan* faults_;
  std::size_t at_ = 0;
};

}  // namespace

Async<policy::v1::AuthenticateReply> FakePolicyEngine::authenticate(
    policy::v1::AuthenticateRequest request, RequestContext /*context*/
) {
  authentications.push_back(request);
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("policy-engine");
  }
  const auto known = callers_.find(request.credential());
  if (known == callers_.end()) {
    co_return Error(Code::Unauthenticated, "no such key");
  }
  policy::v1::AuthenticateReply reply;
  *reply.mutable_claims() = known->second;
  reply.mutable_claims()->set_policy_version(policy_version);
  reply.mutable_claims()->set_not_before_unix_ms(clock_->unix_ms());
  reply.mutable_claims()->set_not_after_unix_ms(clock_->unix_ms() + kTokenLifeMs);
  reply.set_caller_token("token of " + known->second.principal());
  co_return reply;
}

Async<policy::v1::VisibleReply> FakePolicyEngine::visible(
    policy::v1::VisibleRequest request, RequestContext /*context*/
) {
  views.push_back(request);
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("policy-engine");
  }
  policy::v1::VisibleReply reply = shown;
  reply.set_policy_version(policy_version);
  if (!names_no_catalog) {
    reply.set_catalog_version(request.catalog_version());
  }
  co_return reply;
}

Async<policy::v1::ManageReply> FakePolicyEngine::manage(
    policy::v1::ManageRequest request, RequestContext context
) {
  managed.emplace_back(std::move(request), std::move(context));
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  co_return manage_reply;
}

Async<policy::v1::DecideReply> FakePolicyEngine::decide(
    policy::v1::DecideRequest request, RequestContext context
) {
  decides.emplace_back(request, std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("policy-engine");
  }
  policy::v1::DecideReply reply;
  reply.set_policy_version(policy_version);
  if (request.mode() == policy::v1::MODE_AGENT && decisions_.empty()) {
    for (const auto& call : request.calls()) {
      *reply.add_decisions() = agent_decision(call);
    }
    co_return reply;
  }
  if (decisions_.empty()) {
    auto* decision = reply.add_decisions();
    decision->set_verdict(policy::v1::VERDICT_MANUAL);
    decision->set_rule("preset.manual");
    decision->set_grant("signed grant");
    decision->set_grant_id("grant-0123456789");
    decision->set_effect_class(policy::v1::EFFECT_CLASS_WRITE);
    co_return reply;
  }
  auto decision = std::move(decisions_.front());
  decisions_.pop_front();
  if (!decision.ok()) {
    co_return std::move(decision).error();
  }
  *reply.add_decisions() = std::move(decision).value();
  co_return reply;
}

policy::v1::Decision FakePolicyEngine::agent_decision(const policy::v1::ToolCall& call) const {
  policy::v1::Decision decision;
  decision.set_verdict(policy::v1::VERDICT_DENY);
  decision.set_rule("hidden");
  for (const auto& tool : shown.tools()) {
    if (tool.server_id() != call.server_id() || tool.tool() != call.tool()) {
      continue;
    }
    decision.set_verdict(tool.verdict());
    decision.set_effect_class(tool.effect_class());
    decision.set_rule("preset.test");
    if (tool.verdict() == policy::v1::VERDICT_AUTO) {
      decision.set_grant("grant of " + call.tool_call_id());
      decision.set_grant_id(call.tool_call_id());
    } else if (tool.verdict() != policy::v1::VERDICT_MANUAL) {
      decision.set_approval_id("apr_" + call.tool_call_id());
    }
  }
  return decision;
}

Async<std::unique_ptr<ChatStream>> ScriptedProvider::chat(
    provider::v1::ChatRequest request, RequestContext context
) {
  chats.emplace_back(std::move(request), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (answers_.empty()) {
    co_return Error(Code::Unavailable, "no provider is configured for this model");
  }
  ScriptedAnswer answer = std::move(answers_.front());
  answers_.pop_front();
  co_return std::unique_ptr<ChatStream>(
      std::make_unique<ScriptedStream>(std::move(answer), &streams_open, faults_)
  );
}

Async<provider::v1::EmbedReply> ScriptedProvider::embed(
    provider::v1::EmbedRequest request, RequestContext /*context*/
) {
  embeds.push_back(std::move(request));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return embed_reply;
}

Async<provider::v1::ModelsReply> ScriptedProvider::models(RequestContext /*context*/) {
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return models_reply;
}

Async<connector::v1::CatalogReply> FakeToolServers::catalog(
    connector::v1::CatalogRequest request, RequestContext /*context*/
) {
  ++catalogs;
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("mcp-connector");
  }
  connector::v1::CatalogReply reply = catalog_reply;
  if (request.known_version() == reply.version()) {
    reply.clear_servers();
  }
  co_return reply;
}

Async<connector::v1::Final> FakeToolServers::request(
    connector::v1::Request request, ProgressSink sink, RequestContext context
) {
  requests.emplace_back(request, context);
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (answer) {
    co_return co_await answer(std::move(request), std::move(context));
  }
  co_return co_await play(std::move(sink));
}

Async<connector::v1::Final> FakeToolServers::go_on(
    connector::v1::Input input, ProgressSink sink, RequestContext context
) {
  inputs.emplace_back(std::move(input), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return co_await play(std::move(sink));
}

Async<connector::v1::Final> FakeToolServers::play(ProgressSink sink) {
  for (const std::string& notification : progress) {
    if (sink) {
      SLUICE_CO_CHECK_OK(co_await sink(notification));
    }
  }
  if (hold != nullptr) {
    SLUICE_CO_CHECK_OK(co_await hold->wait());
  }
  if (finals_.empty()) {
    connector::v1::Final final;
    final.set_outcome(connector::v1::OUTCOME_DONE);
    final.set_result(R"({"content":[{"type":"text","text":"done"}]})");
    co_return final;
  }
  auto final = std::move(finals_.front());
  finals_.pop_front();
  co_return final;
}

Async<connector::v1::ManageReply> FakeToolServers::list(RequestContext /*context*/) {
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("mcp-connector");
  }
  co_return list_reply;
}

Async<connector::v1::ManageReply> FakeToolServers::manage(
    connector::v1::ManageRequest request, RequestContext context
) {
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("mcp-connector");
  }
  managed.emplace_back(std::move(request), std::move(context));
  if (manage_error) {
    co_return *manage_error;
  }
  co_return manage_reply;
}

Async<codemode::v1::DescribeReply> FakeCodeRunner::describe(
    codemode::v1::DescribeRequest request, RequestContext context
) {
  described.emplace_back(std::move(request), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  codemode::v1::DescribeReply reply;
  reply.set_text("servers/\n  youtube.d.ts\n");
  reply.set_found(true);
  co_return reply;
}

Async<codemode::v1::RunFinal> FakeCodeRunner::run(
    codemode::v1::RunRequest request,
    std::function<void(const codemode::v1::RunProgress&)> line,
    RequestContext context
) {
  const std::uint32_t hop = context.hop;
  runs.emplace_back(std::move(request), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  for (const auto& progress : lines) {
    line(progress);
  }
  if (!finals_.empty()) {
    auto final = std::move(finals_.front());
    finals_.pop_front();
    co_return final;
  }
  codemode::v1::RunFinal final;
  final.set_outcome(codemode::v1::OUTCOME_OK);
  final.set_run_id("run_1");
  final.set_value("null");
  final.set_hop(hop + 1);
  co_return final;
}

Async<audit::v1::JournalReply> FakeAuditJournal::journal(
    audit::v1::JournalRequest request, RequestContext /*context*/
) {
  requests.push_back(std::move(request));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  if (down_) {
    co_return down("audit-writer");
  }
  co_return reply;
}

Async<policy::v1::ListApprovalsReply> FakeApprovals::list(
    policy::v1::ListApprovalsRequest request, RequestContext
) {
  lists.push_back(std::move(request));
  policy::v1::ListApprovalsReply reply;
  for (const policy::v1::Approval& approval : known) {
    *reply.add_approvals() = approval;
  }
  co_return reply;
}

Result<policy::v1::Approval*> FakeApprovals::find(const std::string& id) {
  for (policy::v1::Approval& approval : known) {
    if (approval.id() == id) {
      return &approval;
    }
  }
  return Error(Code::NotFound, "there is no such approval");
}

Async<policy::v1::GetApprovalReply> FakeApprovals::get(
    policy::v1::GetApprovalRequest request, RequestContext
) {
  SLUICE_CO_TRY(const policy::v1::Approval* const found, find(request.id()));
  policy::v1::GetApprovalReply reply;
  *reply.mutable_approval() = *found;
  co_return reply;
}

Async<policy::v1::AnswerApprovalReply> FakeApprovals::answer(
    policy::v1::AnswerApprovalRequest request, RequestContext
) {
  SLUICE_CO_TRY(policy::v1::Approval* const found, find(request.id()));
  answers.push_back(request);
  if (!takes_answers) {
    co_return Error(Code::Denied, "who asked does not answer");
  }
  found->set_state(
      request.approve() ? policy::v1::APPROVAL_STATE_APPROVED : policy::v1::APPROVAL_STATE_DENIED
  );
  policy::v1::AnswerApprovalReply reply;
  *reply.mutable_approval() = *found;
  co_return reply;
}

}  // namespace sluice::ingress
