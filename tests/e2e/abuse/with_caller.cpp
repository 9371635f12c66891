// What the caller "user" can try beyond its rights: decisions, approvals, administration. It may
// use the servers ledger and locked; ledger's write_file needs an approval.
#include "tests/e2e/abuse/abuse.h"

#include "common/crypto/random.h"

#include <array>

namespace sluice::e2e {
namespace {

constexpr const char* kArguments = R"({"token":"abuse-with-caller"})";
constexpr const char* kFile = R"({"content":"abuse-with-caller","path":"/a"})";
constexpr const char* kOtherFile = R"({"content":"abuse-with-caller","path":"/b"})";

// A call of "user" that differs from one it may make in one thing.
Asked asked(const Intruder& intruder, const std::string& tool, const char* arguments = kArguments) {
  return {.tool = intruder.tool(tool), .arguments = arguments, .token = intruder.token()};
}

Asked file_of(const Intruder& intruder, std::string token, const char* arguments = kFile) {
  return {
      .tool = intruder.tool("ledger-write_file"), .arguments = arguments, .token = std::move(token)
  };
}

// --- decisions
// --------------------------------------------------------------------------------------

struct Change {
  const char* name;
  const char* expected;
  void (*change)(const Intruder& intruder, Asked* asked);
};

constexpr std::array kChanges{
    Change{
        "server-of-other-tenant",
        "Denied|NotFound",
        [](const Intruder& i, Asked* asked) { asked->tool = i.tool("vault-append"); }
    },
    Change{
        "server-outside-its-key",
        "Denied|NotFound",
        [](const Intruder& i, Asked* asked) { asked->tool = i.tool("private-append"); }
    },
    Change{
        "tool-outside-the-list",
        "Denied|NotFound",
        [](const Intruder& i, Asked* asked) { asked->tool = i.tool("locked-append"); }
    },
    Change{
        "server-id-of-another",
        "Denied|NotFound|Conflict",
        [](const Intruder& i, Asked* asked) {
          asked->tool.server_id = i.tool("private-append").server_id;
        }
    },
    Change{
        "server-name-of-another",
        "Denied|NotFound|Conflict",
        [](const Intruder& i, Asked* asked) {
          asked->tool.server = i.tool("private-append").server;
        }
    },
    Change{
        "unknown-tool",
        "Denied|NotFound|Conflict",
        [](const Intruder&, Asked* asked) { asked->tool.tool = "sudo"; }
    },
    Change{
        "other-definition",
        "Denied|NotFound|Conflict",
        [](const Intruder& i, Asked* asked) {
          asked->tool.definition_hash = i.tool("ledger-look").definition_hash;
        }
    },
    Change{
        "arguments-not-canonical",
        "Invalid|Denied",
        [](const Intruder&, Asked* asked) {
          asked->arguments = R"({ "token":"abuse-with-caller"})";
        }
    },
    Change{
        "arguments-with-two-members-alike",
        "Invalid|Denied",
        [](const Intruder&, Asked* asked) { asked->arguments = R"({"token":"a","token":"b"})"; }
    },
    Change{
        "automatic-although-manual",
        "Denied",
        [](const Intruder&, Asked* asked) { asked->mode = policy::v1::MODE_AGENT; }
    },
    Change{
        "as-a-script",
        "Denied",
        [](const Intruder&, Asked* asked) { asked->mode = policy::v1::MODE_CODE; }
    },
    Change{
        "without-a-mode",
        "Invalid|Denied",
        [](const Intruder&, Asked* asked) { asked->mode = policy::v1::MODE_UNSPECIFIED; }
    },
    Change{
        "decided-long-ago",
        "Invalid",
        [](const Intruder&, Asked* asked) { asked->decided_ago_ms = 61'000; }
    },
    Change{
        "decided-in-the-future",
        "Invalid",
        [](const Intruder&, Asked* asked) { asked->decided_ago_ms = -10'000; }
    },
    Change{
        "decision-id-too-short",
        "Invalid",
        [](const Intruder&, Asked* asked) { asked->decision_id = "short"; }
    },
};

Async<std::string> changed_verdict(Intruder* intruder, Change change) {
  Asked call = asked(*intruder, "ledger-append");
  change.change(*intruder, &call);
  co_return co_await intruder->verdict(std::move(call));
}

Async<std::string> too_many_calls(Intruder* intruder) {
  policy::v1::DecideRequest request;
  request.set_decision_id(crypto::random_bytes(16));
  request.set_decision_unix_ms(intruder->now_ms());
  request.set_mode(policy::v1::MODE_MANUAL);
  const Tool& tool = intruder->tool("ledger-append");
  for (int i = 0; i < 65; ++i) {
    auto* call = request.add_calls();
    call->set_server_id(tool.server_id);
    call->set_server(tool.server);
    call->set_tool(tool.tool);
    call->set_definition_hash(tool.definition_hash);
    call->set_arguments(kArguments);
  }
  co_return co_await intruder->call(
      endpoints::kPolicyDecide, std::move(request), intruder->token()
  );
}

// A filter of the request narrows; this one would widen what its key reaches.
Async<std::string> widened_filter(Intruder* intruder) {
  policy::v1::VisibleRequest request;
  request.mutable_filter()->set_restricted(true);
  for (const char* server : {"private", "vault", "locked", "ledger"}) {
    request.mutable_filter()->add_servers(server);
  }
  request.mutable_filter()->add_tools("*");
  const auto reply = co_await intruder->bus()->call(
      endpoints::kPolicyVisible, std::move(request), intruder->context(intruder->token())
  );
  if (!reply.ok()) {
    co_return Intruder::code_of(reply);
  }
  for (const auto& tool : reply.value().tools()) {
    const bool own =
        tool.server() == "ledger" || (tool.server() == "locked" && tool.tool() == "look");
    if (!own) {
      co_return std::string("OK");
    }
  }
  co_return std::string(reply.value().tools_size() > 0 ? "Denied" : "Internal");
}

// --- approvals
// --------------------------------------------------------------------------------------

// "OK" if the call with that approval gets a grant.
Async<std::string> use(Intruder* intruder, Result<std::string> approval, Asked call) {
  SLUICE_CO_TRY(call.approval, std::move(approval));
  co_return co_await intruder->verdict(std::move(call));
}

Async<std::string> without_approval(Intruder* intruder) {
  co_return co_await intruder->verdict(file_of(*intruder, intruder->token()));
}

Async<std::string> invented_approval(Intruder* intruder) {
  co_return co_await use(
      intruder, std::string("apr_00000000000000000000000000"), file_of(*intruder, intruder->token())
  );
}

Async<std::string> pending_approval(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Wait);
  co_return co_await use(intruder, std::move(own), file_of(*intruder, intruder->token()));
}

Async<std::string> denied_approval(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Deny);
  co_return co_await use(intruder, std::move(own), file_of(*intruder, intruder->token()));
}

Async<std::string> approval_of_another(Intruder* intruder) {
  auto foreign = co_await intruder->approval(
      file_of(*intruder, intruder->other_token()), Intruder::Then::Approve
  );
  co_return co_await use(intruder, std::move(foreign), file_of(*intruder, intruder->token()));
}

Async<std::string> approval_for_other_arguments(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Approve);
  co_return co_await use(
      intruder, std::move(own), file_of(*intruder, intruder->token(), kOtherFile)
  );
}

Async<std::string> approval_for_other_server(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Approve);
  co_return co_await use(intruder, std::move(own), asked(*intruder, "private-write_file", kFile));
}

Async<std::string> approval_used_twice(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Approve);
  if (!own.ok()) {
    co_return std::move(own).error();
  }
  Asked first = file_of(*intruder, intruder->token());
  first.approval = own.value();
  SLUICE_CO_TRY(const std::string granted, co_await intruder->verdict(std::move(first)));
  if (granted != "OK") {
    co_return Error(Code::Internal, "the approved call got no grant: " + granted);
  }
  co_return co_await use(intruder, std::move(own), file_of(*intruder, intruder->token()));
}

Async<std::string> answer(Intruder* intruder, Result<std::string> approval, std::string token) {
  policy::v1::AnswerApprovalRequest request;
  SLUICE_CO_TRY(*request.mutable_id(), std::move(approval));
  request.set_approve(true);
  co_return co_await intruder->call(
      endpoints::kPolicyApprovalsAnswer, std::move(request), std::move(token)
  );
}

Async<std::string> answer_own(Intruder* intruder) {
  auto own =
      co_await intruder->approval(file_of(*intruder, intruder->token()), Intruder::Then::Wait);
  co_return co_await answer(intruder, std::move(own), intruder->token());
}

Async<std::string> answer_of_another(Intruder* intruder) {
  auto foreign = co_await intruder->approval(
      file_of(*intruder, intruder->other_token()), Intruder::Then::Wait
  );
  co_return co_await answer(intruder, std::move(foreign), intruder->token());
}

Async<std::string> see_of_another(Intruder* intruder) {
  policy::v1::GetApprovalRequest request;
  SLUICE_CO_TRY(
      *request.mutable_id(),
      co_await intruder->approval(file_of(*intruder, intruder->other_token()), Intruder::Then::Wait)
  );
  co_return co_await intruder->call(
      endpoints::kPolicyApprovalsGet, std::move(request), intruder->token()
  );
}

Async<std::string> list_of_others(Intruder* intruder) {
  const auto foreign = co_await intruder->approval(
      file_of(*intruder, intruder->other_token()), Intruder::Then::Wait
  );
  if (!foreign.ok()) {
    co_return foreign.error();
  }
  const auto reply = co_await intruder->bus()->call(
      endpoints::kPolicyApprovalsList,
      policy::v1::ListApprovalsRequest(),
      intruder->context(intruder->token())
  );
  if (!reply.ok()) {
    co_return Intruder::code_of(reply);
  }
  for (const auto& approval : reply.value().approvals()) {
    if (approval.principal() != "key:user") {
      co_return std::string("OK");
    }
  }
  co_return std::string("Denied");
}

// --- administration
// ---------------------------------------------------------------------------------

Async<std::string> policy_manage(Intruder* intruder, policy::v1::ManageRequest request) {
  co_return co_await intruder->call(
      endpoints::kPolicyManage, std::move(request), intruder->token()
  );
}

Async<std::string> connector_manage(Intruder* intruder, connector::v1::ManageRequest request) {
  co_return co_await intruder->call(
      endpoints::kConnectorManage, std::move(request), intruder->token()
  );
}

struct PolicyOperation {
  const char* name;
  void (*fill)(policy::v1::ManageRequest* request);
};

constexpr std::array kPolicyOperations{
    PolicyOperation{"reload-policy", [](policy::v1::ManageRequest* r) { r->mutable_reload(); }},
    PolicyOperation{"read-policy", [](policy::v1::ManageRequest* r) { r->mutable_get_policy(); }},
    PolicyOperation{
        "explain-for-another",
        [](policy::v1::ManageRequest* r) {
          r->mutable_explain()->set_key_id("other");
          r->mutable_explain()->set_server("private");
          r->mutable_explain()->set_tool("append");
        }
    },
    PolicyOperation{"list-keys", [](policy::v1::ManageRequest* r) { r->mutable_list_keys(); }},
    PolicyOperation{
        "create-admin-key",
        [](policy::v1::ManageRequest* r) {
          r->mutable_create_key()->mutable_key()->set_id("thief");
          r->mutable_create_key()->mutable_key()->add_roles("admin");
        }
    },
    PolicyOperation{
        "widen-own-key",
        [](policy::v1::ManageRequest* r) {
          r->mutable_update_key()->mutable_key()->set_id("user");
          r->mutable_update_key()->mutable_key()->add_roles("admin");
        }
    },
    PolicyOperation{
        "revoke-another-key",
        [](policy::v1::ManageRequest* r) { r->mutable_revoke_key()->set_id("other"); }
    },
    PolicyOperation{
        "approve-a-definition",
        [](policy::v1::ManageRequest* r) {
          r->mutable_approve_pin()->set_server("ledger");
          r->mutable_approve_pin()->set_tool("append");
          r->mutable_approve_pin()->set_definition_hash(std::string(32, 'd'));
        }
    },
};

struct ConnectorOperation {
  const char* name;
  void (*fill)(const Intruder& intruder, connector::v1::ManageRequest* request);
};

constexpr std::array kConnectorOperations{
    ConnectorOperation{
        "list-servers", [](const Intruder&, connector::v1::ManageRequest* r) { r->mutable_list(); }
    },
    ConnectorOperation{
        "add-server",
        [](const Intruder&, connector::v1::ManageRequest* r) {
          r->mutable_add()->set_config(
              R"({"name":"mine","connection_type":"http","connection_string":"https://example.org/mcp"})"
          );
        }
    },
    ConnectorOperation{
        "open-a-closed-server",
        [](const Intruder& i, connector::v1::ManageRequest* r) {
          r->mutable_update()->set_server_id(i.tool("locked-append").server_id);
          r->mutable_update()->set_config(R"({"tools_to_execute":["*"]})");
        }
    },
    ConnectorOperation{
        "remove-server",
        [](const Intruder& i, connector::v1::ManageRequest* r) {
          r->mutable_remove()->set_server_id(i.tool("private-append").server_id);
        }
    },
    ConnectorOperation{
        "reconnect-server",
        [](const Intruder& i, connector::v1::ManageRequest* r) {
          r->mutable_reconnect()->set_server_id(i.tool("ledger-append").server_id);
        }
    },
    ConnectorOperation{
        "begin-authorization",
        [](const Intruder& i, connector::v1::ManageRequest* r) {
          r->mutable_begin_authorization()->set_server_id(i.tool("ledger-append").server_id);
          r->mutable_begin_authorization()->set_redirect_uri("https://example.org/");
        }
    },
};

Async<std::string> journal_of_another(Intruder* intruder) {
  audit::v1::JournalRequest request;
  request.set_tool_call_id("call_1");
  request.set_principal("key:other");
  co_return co_await intruder->call(
      endpoints::kAuditJournal, std::move(request), intruder->token()
  );
}

// The result of another's call, by the grant that was seen.
Async<std::string> result_of_another(Intruder* intruder) {
  const std::string arguments = R"({"token":"control-result"})";
  SLUICE_CO_TRY(
      const std::string grant,
      co_await intruder->granted(
          {.tool = intruder->tool("ledger-append"),
           .arguments = arguments,
           .token = intruder->other_token()}
      )
  );
  SLUICE_CO_TRY(
      const std::string sent,
      co_await intruder->send(
          {.arguments = arguments, .grant = grant, .token = intruder->other_token()}
      )
  );
  audit::v1::JournalRequest request;
  request.set_grant_id(grant_in(grant).grant_id());
  const auto reply = co_await intruder->bus()->call(
      endpoints::kAuditJournal, std::move(request), intruder->context(intruder->token())
  );
  if (!reply.ok() || sent != "OK") {
    co_return reply.ok() ? sent : Intruder::code_of(reply);
  }
  const bool silent = reply.value().state() == audit::v1::JournalReply::STATE_UNSPECIFIED &&
                      reply.value().result().empty() && reply.value().outcome_record().empty();
  co_return std::string(silent ? "Denied" : "OK");
}

Async<std::string> script_beyond_its_rights(Intruder* intruder) {
  codemode::v1::RunRequest request;
  request.set_source(R"(return await vault.append({token: "abuse-script"});)");
  auto stream = co_await intruder->bus()->open(
      endpoints::kCodemodeRun, std::move(request), intruder->context(intruder->token())
  );
  while (stream.ok()) {
    const auto chunk = co_await stream.value().next();
    if (!chunk.ok()) {
      co_return Intruder::code_of(chunk);
    }
    if (!chunk.value()) {
      const bool ran = stream.value().final().outcome() == codemode::v1::OUTCOME_OK;
      co_return std::string(ran ? "OK" : "Denied");
    }
  }
  co_return Intruder::code_of(stream);
}

}  // namespace

void add_decisions(Abuses* abuses) {
  for (const Change& change : kChanges) {
    abuses->push_back(
        {std::string("decide-") + change.name,
         change.expected,
         Shown::Answer,
         [change](Intruder* intruder) { return changed_verdict(intruder, change); }}
    );
  }
  abuses->push_back({"decide-too-many-calls", "Invalid", Shown::Answer, too_many_calls});
  abuses->push_back({"visible-widened", "Denied", Shown::Answer, widened_filter});
}

void add_approvals(Abuses* abuses) {
  const auto add = [abuses](const char* name, const char* expected, auto attempt) {
    abuses->push_back({std::string("approval-") + name, expected, Shown::Answer, attempt});
  };
  add("missing", "Denied", without_approval);
  add("invented", "Denied", invented_approval);
  add("pending", "Denied", pending_approval);
  add("of-another", "Denied", approval_of_another);
  add("for-other-server", "Denied|NotFound", approval_for_other_server);
  add("answered-by-its-asker", "Denied", answer_own);
  add("of-another-answered", "Denied", answer_of_another);
  add("of-another-seen", "NotFound", see_of_another);
  add("of-others-listed", "Denied", list_of_others);
  add("for-other-arguments", "Denied", approval_for_other_arguments);
  add("used-twice", "Denied", approval_used_twice);
  add("denied", "Denied", denied_approval);
}

void add_administration(Abuses* abuses) {
  for (const PolicyOperation& operation : kPolicyOperations) {
    abuses->push_back(
        {std::string("admin-") + operation.name,
         "Denied",
         Shown::Answer,
         [fill = operation.fill](Intruder* intruder) {
           policy::v1::ManageRequest request;
           fill(&request);
           return policy_manage(intruder, std::move(request));
         }}
    );
  }
  for (const ConnectorOperation& operation : kConnectorOperations) {
    abuses->push_back(
        {std::string("admin-") + operation.name,
         "Denied",
         Shown::Answer,
         [fill = operation.fill](Intruder* intruder) {
           connector::v1::ManageRequest request;
           fill(*intruder, &request);
           return connector_manage(intruder, std::move(request));
         }}
    );
  }
  const auto add = [abuses](const char* name, auto attempt) {
    abuses->push_back({std::string("trail-") + name, "Denied", Shown::Answer, attempt});
  };
  add("query", [](Intruder* intruder) {
    return intruder->call(endpoints::kAuditQuery, audit::v1::QueryRequest(), intruder->token());
  });
  add("verify", [](Intruder* intruder) {
    return intruder->call(endpoints::kAuditVerify, audit::v1::VerifyRequest(), intruder->token());
  });
  add("journal-of-another", journal_of_another);
  add("result-of-another", result_of_another);
  abuses->push_back(
      {"script-beyond-its-rights", "Denied|Invalid", Shown::Answer, script_beyond_its_rights}
  );
}

}  // namespace sluice::e2e
