#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include "common/json/write.h"
#include "common/mcp/server_id.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

// Turns of the loop a played script waits for the answers to its calls.
constexpr int kTurnsMax = 1'000;

grant::KeyRing ring_of(const crypto::PrivateKey& key) {
  grant::KeyRing ring;
  ring.add(key.public_key());
  return ring;
}

Result<void> fault_of(testing::FaultPlan* faults) {
  return faults == nullptr ? Result<void>() : faults->step();
}

}  // namespace

class ScriptedRunners::Played final : public Script {
 public:
  explicit Played(ScriptedRunners* owner) : owner_(owner) { ++owner_->scripts_open; }

  Played(const Played&) = delete;
  Played& operator=(const Played&) = delete;
  Played(Played&&) = delete;
  Played& operator=(Played&&) = delete;

  ~Played() override { --owner_->scripts_open; }

  Async<ScriptEvent> next() override {
    if (stopped_) {
      co_return ScriptEvent(std::move(*stopped_));
    }
    SLUICE_CHECK(!owner_->events_.empty(), "a played script has an end");
    auto event = std::move(owner_->events_.front());
    owner_->events_.pop_front();
    if (event.ok() && std::holds_alternative<runner::ToolCall>(event.value())) {
      ++calls_;
    } else if (event.ok() && std::holds_alternative<runner::Finished>(event.value())) {
      const auto executor = co_await boost::asio::this_coro::executor;
      for (int turn = 0; turn < kTurnsMax && answered_ < calls_ && !stopped_; ++turn) {
        owner_->on_turn();
        co_await boost::asio::post(executor, async::kAwait);
      }
      if (stopped_) {
        co_return ScriptEvent(std::move(*stopped_));
      }
    }
    co_return event;
  }

  void proceed() override { ++owner_->proceeded; }

  void stop(codemode::v1::Outcome outcome, codemode::v1::ScriptError error) override {
    stopped_.emplace();
    stopped_->set_outcome(outcome);
    *stopped_->mutable_error() = std::move(error);
    stopped_->set_calls(static_cast<std::uint32_t>(calls_));
  }

  void park(bool parked) override { owner_->parks.push_back(parked); }

  void answer(runner::CallResult result) override {
    ++answered_;
    owner_->answers.push_back(std::move(result));
  }

 private:
  ScriptedRunners* owner_;
  std::optional<runner::Finished> stopped_;
  int calls_ = 0;
  int answered_ = 0;
};

Result<std::unique_ptr<Script>> ScriptedRunners::start(runner::Run run, TimePoint /*deadline*/) {
  SLUICE_CHECK_OK(fault_of(faults_));
  runs.push_back(std::move(run));
  runner::Checked checked;
  if (check) {
    *checked.mutable_check() = *check;
  } else {
    for (const auto& event : events_) {
      if (event.ok() && std::holds_alternative<runner::ToolCall>(event.value())) {
        const auto& call = std::get<runner::ToolCall>(event.value());
        auto* listed = checked.mutable_check()->add_calls();
        listed->set_server(call.server());
        listed->set_tool(call.function());
      }
    }
  }
  const bool compiles = events_.empty() || !events_.front().ok() ||
                        !std::holds_alternative<runner::Finished>(events_.front().value()) ||
                        std::get<runner::Finished>(events_.front().value()).outcome() !=
                            codemode::v1::OUTCOME_TYPE_ERROR;
  if (compiles) {
    events_.emplace_front(ScriptEvent(std::move(checked)));
  }
  return std::unique_ptr<Script>(std::make_unique<Played>(this));
}

void ScriptedRunners::call(
    std::uint32_t id,
    const std::string& function,
    const std::string& arguments,
    const std::string& site,
    const std::string& server
) {
  runner::ToolCall call;
  call.set_call_id(id);
  call.set_server(server);
  call.set_function(function);
  call.set_arguments(arguments);
  call.set_call_site(site);
  push(ScriptEvent(std::move(call)));
}

void ScriptedRunners::console(const std::string& text, const std::string& level) {
  runner::Console line;
  line.set_text(text);
  line.set_level(level);
  push(ScriptEvent(std::move(line)));
}

void ScriptedRunners::finish(const std::string& value) {
  std::uint32_t calls = 0;
  for (const auto& event : events_) {
    calls += event.ok() && std::holds_alternative<runner::ToolCall>(event.value()) ? 1 : 0;
  }
  runner::Finished finished;
  finished.set_outcome(codemode::v1::OUTCOME_OK);
  finished.set_value(value);
  finished.set_calls(calls);
  push(ScriptEvent(std::move(finished)));
}

void ScriptedRunners::fail(codemode::v1::Outcome outcome, const std::string& message) {
  runner::Finished finished;
  finished.set_outcome(outcome);
  finished.mutable_error()->set_message(message);
  push(ScriptEvent(std::move(finished)));
}

const runner::CallResult* ScriptedRunners::answer_to(std::uint32_t call_id) const {
  const auto found = std::find_if(answers.begin(), answers.end(), [&](const auto& answer) {
    return answer.call_id() == call_id;
  });
  return found != answers.end() ? &*found : nullptr;
}

void FakePolicyEngine::show(
    const std::string& server,
    const std::string& tool,
    policy::v1::EffectClass effect,
    bool code_mode
) {
  auto* added = shown.add_tools();
  added->set_server_id(mcp::server_id(server).str());
  added->set_server(server);
  added->set_tool(tool);
  added->set_definition_hash("hash of " + tool);
  added->set_effect_class(effect);
  added->set_verdict(policy::v1::VERDICT_MANUAL);
  added->set_code_mode(code_mode);
}

Async<policy::v1::VisibleReply> FakePolicyEngine::visible(
    policy::v1::VisibleRequest request, RequestContext /*context*/
) {
  views.push_back(std::move(request));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return shown;
}

Async<policy::v1::DecideReply> FakePolicyEngine::decide(
    policy::v1::DecideRequest request, RequestContext context
) {
  if (request.has_script()) {
    policy::v1::DecideReply ruled;
    for (const auto& call : request.script().calls()) {
      const auto told = set_verdicts.find(call.tool());
      *ruled.mutable_script()->add_decisions() =
          decision_of(told == set_verdicts.end() ? policy::v1::VERDICT_MANUAL : told->second, "");
    }
    ruled.mutable_script()->set_run_token(context.caller_token);
    scripts.push_back(std::move(request));
    SLUICE_CO_CHECK_OK(fault_of(faults_));
    co_return ruled;
  }
  const bool read = request.calls(0).tool().starts_with("read");
  decides.emplace_back(std::move(request), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  policy::v1::DecideReply reply;
  if (decisions_.empty()) {
    *reply.add_decisions() = decision_of(
        policy::v1::VERDICT_MANUAL,
        "signed grant",
        read ? policy::v1::EFFECT_CLASS_READ : policy::v1::EFFECT_CLASS_WRITE
    );
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

Async<connector::v1::CatalogReply> FakeToolServers::catalog(
    connector::v1::CatalogRequest /*request*/, RequestContext /*context*/
) {
  SLUICE_CO_CHECK_OK(fault_of(faults_));
  co_return known;
}

Async<connector::v1::Final> FakeToolServers::request(
    connector::v1::Request request, RequestContext context
) {
  requests.emplace_back(std::move(request), std::move(context));
  SLUICE_CO_CHECK_OK(fault_of(faults_));
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

void FakeToolServers::push_text(const std::string& text) {
  connector::v1::Final final;
  final.set_outcome(connector::v1::OUTCOME_DONE);
  std::string result = R"({"content":[{"type":"text","text":)";
  json::append_quoted(result, text);
  final.set_result(result + "}]}");
  push(std::move(final));
}

Async<audit::v1::JournalReply> FakeAuditJournal::journal(
    audit::v1::JournalRequest request, RequestContext /*context*/
) {
  requests.push_back(std::move(request));
  co_return reply;
}

void FakeAuditJournal::knows(audit::v1::Outcome outcome, const std::string& result) {
  audit::v1::Record record;
  record.set_outcome(outcome);
  reply.set_state(audit::v1::JournalReply::STATE_FINISHED);
  reply.set_outcome_record(record.SerializeAsString());
  reply.set_result(result);
}

Async<void> RecordingConsole::write(codemode::v1::RunProgress chunk) {
  if (gone_) {
    co_return Error(Code::Cancelled, "the caller went");
  }
  lines_.push_back(chunk.level() + ": " + chunk.console());
  co_return Result<void>();
}

CodemodeFixture::CodemodeFixture(testing::FaultPlan* faults)
    : audit(faults),
      runners(faults),
      policy(faults),
      servers(faults),
      keys_(ring_of(key_)),
      callers(&keys_, &clock),
      apis({.policy = &policy, .servers = &servers}),
      review({.policy = &policy, .clock = &clock}),
      tools(
          {.apis = &apis,
           .policy = &policy,
           .servers = &servers,
           .journal = &journal,
           .approvals = &approvals,
           .lot = &lot,
           .list = &list,
           .audit = &audit,
           .clock = &clock,
           .metrics = metrics.get()}
      ),
      run(
          {.executor = loop.get_executor(),
           .callers = &callers,
           .runners = &runners,
           .apis = &apis,
           .review = &review,
           .tools = &tools,
           .announcer = &announcer,
           .list = &list,
           .audit = &audit,
           .clock = &clock,
           .log = &log,
           .metrics = metrics.get(),
           .limits = {}}
      ) {
  policy.show("files", "read_file", policy::v1::EFFECT_CLASS_READ);
  policy.show("files", "write_file");
}

CodemodeFixture::~CodemodeFixture() {
  const auto closed = testing::run_sync(loop, run.close());
  SLUICE_CHECK(closed.ok(), "the calls of a test end with it");
}

RequestContext CodemodeFixture::context() const {
  return context_signed_by(key_);
}

RequestContext CodemodeFixture::context_with_role(const std::string& role) const {
  return context_signed_by(key_, role);
}

RequestContext CodemodeFixture::stranger() const {
  return context_signed_by(crypto::PrivateKey::generate());
}

RequestContext CodemodeFixture::context_signed_by(
    const crypto::PrivateKey& key, const std::string& role
) const {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:team-a");
  if (!role.empty()) {
    claims.add_roles(role);
  }
  claims.set_not_before_unix_ms(clock.unix_ms());
  claims.set_not_after_unix_ms(clock.unix_ms() + grant::kTokenLifeMs);
  RequestContext context;
  context.chain = ChainId(std::string(32, 'c'));
  context.hop = 10;
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:team-a");
  context.deadline = clock.now() + std::chrono::seconds(40);
  context.caller_token = grant::sign_token(key, claims);
  return context;
}

Result<codemode::v1::RunFinal> CodemodeFixture::run_script(
    const std::string& source, const std::string& tool_call_id
) {
  codemode::v1::RunRequest request;
  request.set_source(source);
  request.set_tool_call_id(tool_call_id);
  return run_sync(run(std::move(request), &console, context()));
}

policy::v1::Decision decision_of(
    policy::v1::Verdict verdict, const std::string& grant, policy::v1::EffectClass effect
) {
  policy::v1::Decision decision;
  decision.set_verdict(verdict);
  decision.set_rule("rule-1");
  decision.set_reason("because");
  decision.set_grant(grant);
  decision.set_grant_id(grant.empty() ? "" : "grant-0123456789");
  decision.set_effect_class(effect);
  return decision;
}

}  // namespace sluice::codemode_sandbox
