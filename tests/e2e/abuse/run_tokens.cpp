// A run token used for anything but the calls of its run. "user" may have a script decided, and
// gets one; codemode-sandbox keeps them to itself.
#include "tests/e2e/abuse/abuse.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <utility>

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr const char* kArguments = R"({"token":"abuse-run-token"})";

std::string fresh_run() {
  return "run_" + to_hex(crypto::random_bytes(16));
}

policy::v1::DecideRequest script_of(const Intruder& intruder, std::string run) {
  policy::v1::DecideRequest request;
  request.set_mode(policy::v1::MODE_CODE);
  request.set_decision_unix_ms(intruder.now_ms());
  request.mutable_script()->set_run_id(std::move(run));
  request.mutable_script()->set_source_digest(crypto::sha256("return 1"));
  request.mutable_script()->set_life_ms(60'000);
  return request;
}

RequestContext context_of(const Intruder& intruder, std::string run, std::string token) {
  RequestContext context = intruder.context(std::move(token));
  context.run = RunId(std::move(run));
  return context;
}

Async<std::string> run_token(Intruder* intruder, std::string run, std::uint32_t life_ms = 60'000) {
  auto request = script_of(*intruder, run);
  request.mutable_script()->set_life_ms(life_ms);
  SLUICE_CO_TRY(
      const auto reply,
      co_await intruder->bus()->call(
          endpoints::kPolicyDecide,
          std::move(request),
          context_of(*intruder, std::move(run), intruder->token())
      )
  );
  co_return reply.script().run_token();
}

policy::v1::DecideRequest call_of(
    const Intruder& intruder, const std::string& tool, policy::v1::Mode mode
) {
  policy::v1::DecideRequest request;
  request.set_decision_id(crypto::random_bytes(16));
  request.set_decision_unix_ms(intruder.now_ms());
  request.set_mode(mode);
  const Tool& known = intruder.tool(tool);
  auto* call = request.add_calls();
  call->set_server_id(known.server_id);
  call->set_server(known.server);
  call->set_tool(known.tool);
  call->set_definition_hash(known.definition_hash);
  call->set_arguments(kArguments);
  return request;
}

// The code of a decision about a call, asked in that run; "Denied" where there is no grant.
Async<std::string> decided(
    Intruder* intruder, policy::v1::DecideRequest request, std::string run, std::string token
) {
  const auto reply = co_await intruder->bus()->call(
      endpoints::kPolicyDecide,
      std::move(request),
      context_of(*intruder, std::move(run), std::move(token))
  );
  if (!reply.ok()) {
    co_return Intruder::code_of(reply);
  }
  co_return std::string(reply.value().decisions(0).grant().empty() ? "Denied" : "OK");
}

Async<std::string> for_another_run(Intruder* intruder) {
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, fresh_run()));
  auto request = call_of(*intruder, "ledger-append", policy::v1::MODE_CODE);
  co_return co_await decided(intruder, std::move(request), fresh_run(), std::move(token));
}

Async<std::string> without_a_run(Intruder* intruder) {
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, fresh_run()));
  auto request = call_of(*intruder, "ledger-append", policy::v1::MODE_CODE);
  co_return co_await decided(intruder, std::move(request), "", std::move(token));
}

Async<std::string> for_an_explicit_execution(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run));
  auto request = call_of(*intruder, "ledger-append", policy::v1::MODE_MANUAL);
  co_return co_await decided(intruder, std::move(request), run, std::move(token));
}

Async<std::string> after_its_time(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run, 1));
  SLUICE_CO_CHECK_OK(co_await async::sleep_for(intruder->clock(), 20ms));
  auto request = call_of(*intruder, "ledger-append", policy::v1::MODE_CODE);
  co_return co_await decided(intruder, std::move(request), run, std::move(token));
}

// A run of the caller's own, for a server of another tenant.
Async<std::string> for_another_tenants_server(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run));
  auto request = call_of(*intruder, "vault-append", policy::v1::MODE_CODE);
  co_return co_await decided(intruder, std::move(request), run, std::move(token));
}

Async<std::string> forged_for_another_tenant(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(const std::string token, co_await run_token(intruder, run));
  policy::v1::CallerClaims claims = claims_in(token);
  claims.set_tenant("other");
  auto request = call_of(*intruder, "vault-append", policy::v1::MODE_CODE);
  co_return co_await decided(
      intruder, std::move(request), run, grant::sign_token(intruder->forger(), claims)
  );
}

// The caller's own token, called one of a run by whoever changed its bytes.
Async<std::string> respelled(Intruder* intruder) {
  const std::string run = fresh_run();
  policy::v1::SignedToken parts;
  parts.ParseFromString(intruder->token());
  policy::v1::CallerClaims claims = claims_in(intruder->token());
  claims.set_run_id(run);
  claims.set_not_after_unix_ms(intruder->now_ms() + grant::kRunTokenLifeMs);
  parts.set_payload(claims.SerializeAsString());
  auto request = call_of(*intruder, "ledger-append", policy::v1::MODE_CODE);
  co_return co_await decided(intruder, std::move(request), run, parts.SerializeAsString());
}

Async<std::string> for_another_script(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run));
  const auto reply = co_await intruder->bus()->call(
      endpoints::kPolicyDecide,
      script_of(*intruder, run),
      context_of(*intruder, run, std::move(token))
  );
  co_return Intruder::code_of(reply);
}

Async<std::string> for_a_longer_run(Intruder* intruder) {
  auto request = script_of(*intruder, fresh_run());
  request.mutable_script()->set_life_ms(600'001);
  co_return co_await intruder->call(
      endpoints::kPolicyDecide, std::move(request), intruder->token()
  );
}

Async<std::string> for_the_journal_of_another_tenant(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run));
  audit::v1::JournalRequest request;
  request.set_tool_call_id("call_1");
  request.set_tenant("other");
  const auto reply = co_await intruder->bus()->call(
      endpoints::kAuditJournal, std::move(request), context_of(*intruder, run, std::move(token))
  );
  co_return Intruder::code_of(reply);
}

// Endpoints that take callers only, in the run the token is for.
template <class Request, class Reply>
Abuse for_callers(
    const char* name, const endpoints::Call<Request, Reply>& endpoint, Request request
) {
  return {
      std::string("run-token-") + name,
      "Unauthenticated",
      Shown::Answer,
      [endpoint, request](Intruder* intruder) -> Async<std::string> {
        return [](Intruder* self, endpoints::Call<Request, Reply> to, Request sent
               ) -> Async<std::string> {
          const std::string run = fresh_run();
          SLUICE_CO_TRY(std::string token, co_await run_token(self, run));
          const auto reply = co_await self->bus()->call(
              to, std::move(sent), context_of(*self, run, std::move(token))
          );
          co_return Intruder::code_of(reply);
        }(intruder, endpoint, request);
      }
  };
}

Async<std::string> for_a_script_of_its_own(Intruder* intruder) {
  const std::string run = fresh_run();
  SLUICE_CO_TRY(std::string token, co_await run_token(intruder, run));
  codemode::v1::RunRequest request;
  request.set_source("return 1");
  auto stream = co_await intruder->bus()->open(
      endpoints::kCodemodeRun, std::move(request), context_of(*intruder, run, std::move(token))
  );
  while (stream.ok()) {
    const auto chunk = co_await stream.value().next();
    if (!chunk.ok()) {
      co_return Intruder::code_of(chunk);
    }
    if (!chunk.value()) {
      co_return std::string("OK");
    }
  }
  co_return Intruder::code_of(stream);
}

}  // namespace

void add_run_tokens(Abuses* abuses) {
  const auto add = [abuses](const char* name, const char* expected, auto attempt) {
    abuses->push_back({std::string("run-token-") + name, expected, Shown::Answer, attempt});
  };
  add("of-another-run", "Unauthenticated", for_another_run);
  add("without-a-run", "Unauthenticated", without_a_run);
  add("for-an-explicit-execution", "Denied", for_an_explicit_execution);
  add("after-its-time", "Unauthenticated", after_its_time);
  add("for-a-server-of-another-tenant", "Denied|NotFound", for_another_tenants_server);
  add("forged-for-another-tenant", "Unauthenticated", forged_for_another_tenant);
  add("made-of-a-caller-token", "Unauthenticated", respelled);
  add("for-another-script", "Unauthenticated", for_another_script);
  add("for-a-longer-run", "Invalid", for_a_longer_run);
  add("for-the-journal-of-another-tenant", "Denied", for_the_journal_of_another_tenant);
  add("for-a-script-of-its-own", "Unauthenticated", for_a_script_of_its_own);
  policy::v1::ManageRequest manage;
  manage.mutable_get_policy();
  connector::v1::ManageRequest servers;
  servers.mutable_list();
  abuses->push_back(for_callers("manages-policy", endpoints::kPolicyManage, manage));
  abuses->push_back(for_callers("manages-servers", endpoints::kConnectorManage, servers));
  abuses->push_back(for_callers(
      "lists-approvals", endpoints::kPolicyApprovalsList, policy::v1::ListApprovalsRequest()
  ));
  policy::v1::AnswerApprovalRequest answer;
  answer.set_id("apr_00000000000000000000000000");
  answer.set_approve(true);
  abuses->push_back(for_callers("answers-approvals", endpoints::kPolicyApprovalsAnswer, answer));
  abuses->push_back(
      for_callers("reads-the-trail", endpoints::kAuditQuery, audit::v1::QueryRequest())
  );
  abuses->push_back(
      for_callers("verifies-the-trail", endpoints::kAuditVerify, audit::v1::VerifyRequest())
  );
  abuses->push_back(for_callers("lists-runs", endpoints::kCodemodeRuns, codemode::v1::RunsRequest())
  );
}

}  // namespace sluice::e2e
