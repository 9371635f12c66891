// Every endpoint ingress may call, with every kind of caller token that proves nobody.
#include "tests/e2e/abuse/abuse.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <array>

namespace sluice::e2e {
namespace {

// --- tokens
// -----------------------------------------------------------------------------------------

policy::v1::CallerClaims admin_claims(const Intruder& intruder) {
  policy::v1::CallerClaims claims = claims_in(intruder.token());
  for (const char* role : {"admin", "approver"}) {
    claims.add_roles(role);
  }
  return claims;
}

std::string no_token(const Intruder& /*intruder*/) {
  return "";
}

std::string random_token(const Intruder& /*intruder*/) {
  return crypto::random_bytes(200);
}

std::string forged_token(const Intruder& intruder) {
  return grant::sign_token(intruder.forger(), admin_claims(intruder));
}

// The forger's signature under the id of the key everyone trusts.
std::string misnamed_token(const Intruder& intruder) {
  policy::v1::SignedToken parts;
  static_cast<void>(parts.ParseFromString(forged_token(intruder)));
  parts.set_key_id(intruder.token_key().public_key().id());
  return parts.SerializeAsString();
}

// One that was seen, with other roles written in.
std::string edited_token(const Intruder& intruder) {
  policy::v1::SignedToken parts;
  static_cast<void>(parts.ParseFromString(intruder.token()));
  parts.set_payload(admin_claims(intruder).SerializeAsString());
  return parts.SerializeAsString();
}

// One that was seen, a minute later.
std::string expired_token(const Intruder& intruder) {
  policy::v1::CallerClaims claims = admin_claims(intruder);
  claims.set_not_before_unix_ms(intruder.now_ms() - grant::kTokenLifeMs - 1'000);
  claims.set_not_after_unix_ms(intruder.now_ms() - 1'000);
  return grant::sign_token(intruder.token_key(), claims);
}

// A statement of policy-engine, but no token.
std::string grant_token(const Intruder& intruder) {
  policy::v1::Grant grant;
  grant.set_version(1);
  grant.set_grant_id(std::string(16, 'g'));
  grant.set_tenant("default");
  grant.set_principal("key:local");
  grant.set_not_before_unix_ms(intruder.now_ms());
  grant.set_not_after_unix_ms(intruder.now_ms() + grant::kGrantLifeMs);
  return grant::sign_grant(intruder.grant_key(), grant);
}

struct TokenKind {
  const char* name;
  std::string (*make)(const Intruder& intruder);
};

constexpr std::array kTokens{
    TokenKind{"no-token", no_token},
    TokenKind{"random-token", random_token},
    TokenKind{"forged-token", forged_token},
    TokenKind{"misnamed-token", misnamed_token},
    TokenKind{"edited-token", edited_token},
    TokenKind{"expired-token", expired_token},
    TokenKind{"grant-as-token", grant_token},
};

// --- questions
// --------------------------------------------------------------------------------------

constexpr const char* kArguments = R"({"token":"abuse-without-caller"})";

Async<std::string> ask_decide(Intruder* intruder, std::string token) {
  co_return co_await intruder->verdict(
      {.tool = intruder->tool("ledger-append"), .arguments = kArguments, .token = token}
  );
}

Async<std::string> ask_visible(Intruder* intruder, std::string token) {
  co_return co_await intruder->call(
      endpoints::kPolicyVisible, policy::v1::VisibleRequest(), std::move(token)
  );
}

Async<std::string> ask_approvals(Intruder* intruder, std::string token) {
  co_return co_await intruder->call(
      endpoints::kPolicyApprovalsList, policy::v1::ListApprovalsRequest(), std::move(token)
  );
}

Async<std::string> ask_answer(Intruder* intruder, std::string token) {
  policy::v1::AnswerApprovalRequest request;
  request.set_id("apr_00000000000000000000000000");
  request.set_approve(true);
  co_return co_await intruder->call(
      endpoints::kPolicyApprovalsAnswer, std::move(request), std::move(token)
  );
}

Async<std::string> ask_reload(Intruder* intruder, std::string token) {
  policy::v1::ManageRequest request;
  request.mutable_reload();
  co_return co_await intruder->call(endpoints::kPolicyManage, std::move(request), std::move(token));
}

Async<std::string> ask_request(Intruder* intruder, std::string token) {
  co_return co_await intruder->send({.arguments = kArguments, .grant = "", .token = token});
}

Async<std::string> ask_request_forged(Intruder* intruder, std::string token) {
  policy::v1::Grant grant;
  const Tool& tool = intruder->tool("ledger-append");
  grant.set_version(1);
  grant.set_grant_id(crypto::random_bytes(16));
  grant.set_tenant("default");
  grant.set_principal("key:user");
  grant.set_server_id(tool.server_id);
  grant.set_tool(tool.tool);
  grant.set_method("tools/call");
  grant.set_definition_hash(tool.definition_hash);
  grant.set_effect_class(policy::v1::EFFECT_CLASS_WRITE);
  grant.set_args_digest(crypto::sha256(kArguments));
  grant.set_policy_version(1'000'000);
  grant.set_not_before_unix_ms(intruder->now_ms());
  grant.set_not_after_unix_ms(intruder->now_ms() + grant::kGrantLifeMs);
  co_return co_await intruder->send(
      {.arguments = kArguments,
       .grant = grant::sign_grant(intruder->forger(), grant),
       .token = token}
  );
}

Async<std::string> ask_input(Intruder* intruder, std::string token) {
  const std::string server_id = intruder->tool("ledger-append").server_id;
  connector::v1::Input input;
  input.set_server_id(server_id);
  input.set_request_id(std::string(32, '0'));
  input.set_method("tools/call");
  input.set_params(kArguments);
  auto stream = co_await intruder->bus()->open(
      endpoints::kConnectorInput, server_id, std::move(input), intruder->context(std::move(token))
  );
  if (!stream.ok()) {
    co_return Intruder::code_of(stream);
  }
  const auto chunk = co_await stream.value().next();
  co_return Intruder::code_of(chunk);
}

Async<std::string> manage(
    Intruder* intruder, connector::v1::ManageRequest request, std::string token
) {
  co_return co_await intruder->call(
      endpoints::kConnectorManage, std::move(request), std::move(token)
  );
}

Async<std::string> ask_add(Intruder* intruder, std::string token) {
  connector::v1::ManageRequest request;
  request.mutable_add()->set_config(
      R"({"name":"intruder","connection_type":"http","connection_string":"https://example.org/mcp"})"
  );
  co_return co_await manage(intruder, std::move(request), std::move(token));
}

Async<std::string> ask_update(Intruder* intruder, std::string token) {
  connector::v1::ManageRequest request;
  request.mutable_update()->set_server_id(intruder->tool("ledger-append").server_id);
  request.mutable_update()->set_config(R"({"disabled":true})");
  co_return co_await manage(intruder, std::move(request), std::move(token));
}

Async<std::string> ask_remove(Intruder* intruder, std::string token) {
  connector::v1::ManageRequest request;
  request.mutable_remove()->set_server_id(intruder->tool("ledger-append").server_id);
  co_return co_await manage(intruder, std::move(request), std::move(token));
}

Async<std::string> ask_reconnect(Intruder* intruder, std::string token) {
  connector::v1::ManageRequest request;
  request.mutable_reconnect()->set_server_id(intruder->tool("ledger-append").server_id);
  co_return co_await manage(intruder, std::move(request), std::move(token));
}

Async<std::string> ask_run(Intruder* intruder, std::string token) {
  codemode::v1::RunRequest request;
  request.set_source(R"(return await ledger.append({token: "abuse-script"});)");
  auto stream = co_await intruder->bus()->open(
      endpoints::kCodemodeRun, std::move(request), intruder->context(std::move(token))
  );
  if (!stream.ok()) {
    co_return Intruder::code_of(stream);
  }
  const auto chunk = co_await stream.value().next();
  co_return Intruder::code_of(chunk);
}

Async<std::string> ask_runs(Intruder* intruder, std::string token) {
  co_return co_await intruder->call(
      endpoints::kCodemodeRuns, codemode::v1::RunsRequest(), std::move(token)
  );
}

Async<std::string> ask_query(Intruder* intruder, std::string token) {
  co_return co_await intruder->call(
      endpoints::kAuditQuery, audit::v1::QueryRequest(), std::move(token)
  );
}

Async<std::string> ask_verify(Intruder* intruder, std::string token) {
  co_return co_await intruder->call(
      endpoints::kAuditVerify, audit::v1::VerifyRequest(), std::move(token)
  );
}

Async<std::string> ask_journal(Intruder* intruder, std::string token) {
  audit::v1::JournalRequest request;
  request.set_tool_call_id("call_1");
  co_return co_await intruder->call(endpoints::kAuditJournal, std::move(request), std::move(token));
}

struct Question {
  const char* name;
  const char* expected;
  Shown shown;
  Async<std::string> (*ask)(Intruder* intruder, std::string token);
};

constexpr const char* kNobody = "Unauthenticated";

constexpr std::array kQuestions{
    Question{"decide", kNobody, Shown::Answer, ask_decide},
    Question{"visible", kNobody, Shown::Answer, ask_visible},
    Question{"approvals-list", kNobody, Shown::Answer, ask_approvals},
    Question{"approvals-answer", kNobody, Shown::Answer, ask_answer},
    Question{"policy-reload", kNobody, Shown::Answer, ask_reload},
    // The grant is looked at before the caller.
    Question{"request-without-grant", "Denied", Shown::Trail, ask_request},
    Question{"request-with-forged-grant", "Denied", Shown::Trail, ask_request_forged},
    Question{"input", kNobody, Shown::Trail, ask_input},
    Question{"server-add", kNobody, Shown::Answer, ask_add},
    Question{"server-update", kNobody, Shown::Answer, ask_update},
    Question{"server-remove", kNobody, Shown::Answer, ask_remove},
    Question{"server-reconnect", kNobody, Shown::Answer, ask_reconnect},
    Question{"script-run", kNobody, Shown::Answer, ask_run},
    Question{"script-runs", kNobody, Shown::Answer, ask_runs},
    Question{"audit-query", kNobody, Shown::Answer, ask_query},
    Question{"audit-verify", kNobody, Shown::Answer, ask_verify},
    Question{"audit-journal", kNobody, Shown::Answer, ask_journal},
};

Async<std::string> ask_with(Intruder* intruder, Question question, TokenKind token) {
  co_return co_await question.ask(intruder, token.make(*intruder));
}

// --- credentials
// ------------------------------------------------------------------------------------

Async<std::string> guess(Intruder* intruder, std::string credential) {
  const auto token = co_await intruder->authenticate(std::move(credential));
  co_return Intruder::code_of(token);
}

Async<std::string> guess_setup(Intruder* intruder) {
  policy::v1::SetupRequest request;
  request.set_setup_token("sluice-setup-" + to_hex(crypto::random_bytes(16)));
  co_return co_await intruder->call(endpoints::kPolicySetup, std::move(request), "");
}

// A grant that another caller used, seen in flight.
Async<std::string> send_used(Intruder* intruder, std::string token) {
  const std::string arguments =
      R"({"token":"control-used-grant-)" + std::to_string(token.size()) + R"("})";
  SLUICE_CO_TRY(
      const std::string used,
      co_await intruder->granted(
          {.tool = intruder->tool("ledger-append"),
           .arguments = arguments,
           .token = intruder->other_token()}
      )
  );
  SLUICE_CO_TRY(
      const std::string first,
      co_await intruder->send(
          {.arguments = arguments, .grant = used, .token = intruder->other_token()}
      )
  );
  if (first != "OK") {
    co_return Error(Code::Internal, "its owner could not use the grant: " + first);
  }
  co_return co_await intruder->send({.arguments = arguments, .grant = used, .token = token});
}

}  // namespace

void add_questions(Abuses* abuses) {
  for (const Question& question : kQuestions) {
    for (const TokenKind& token : kTokens) {
      abuses->push_back(
          {std::string(question.name) + "-" + token.name,
           question.expected,
           question.shown,
           [question, token](Intruder* intruder) { return ask_with(intruder, question, token); }}
      );
    }
  }
  abuses->push_back({"guess-empty", "Unauthenticated|Invalid", Shown::Answer, [](Intruder* i) {
                       return guess(i, "");
                     }});
  abuses->push_back({"guess-random", "Unauthenticated", Shown::Answer, [](Intruder* i) {
                       return guess(i, "sk-sl-" + to_hex(crypto::random_bytes(16)));
                     }});
  abuses->push_back({"guess-hash-of-settings", "Unauthenticated", Shown::Answer, [](Intruder* i) {
                       return guess(i, to_hex(crypto::sha256(i->setting().key)));
                     }});
  abuses->push_back({"guess-caller-token", "Unauthenticated", Shown::Answer, [](Intruder* i) {
                       return guess(i, i->token());
                     }});
  abuses->push_back({"guess-nats-password", "Unauthenticated", Shown::Answer, [](Intruder* i) {
                       return guess(i, i->setting().password);
                     }});
  abuses->push_back({"guess-setup-token", "Unauthenticated|Conflict", Shown::Answer, guess_setup});
  abuses->push_back({"used-grant-without-token", "Unauthenticated", Shown::Trail, [](Intruder* i) {
                       return send_used(i, "");
                     }});
  abuses->push_back(
      {"used-grant-with-expired-token",
       "Unauthenticated",
       Shown::Trail,
       [](Intruder* i) { return send_used(i, expired_token(*i)); }}
  );
}

}  // namespace sluice::e2e
