#include "tests/e2e/abuse/intruder.h"

#include "common/async/deadline.h"
#include "common/base/check.h"
#include "common/crypto/random.h"

#include <algorithm>
#include <utility>

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr auto kRequestTimeout = 10s;
constexpr auto kViolationWait = 3s;
constexpr auto kLook = 5ms;

}  // namespace

policy::v1::SignedGrant parts_of(const std::string& signed_grant) {
  policy::v1::SignedGrant parts;
  SLUICE_CHECK(parts.ParseFromString(signed_grant), "policy-engine made it");
  return parts;
}

policy::v1::Grant grant_in(const std::string& signed_grant) {
  policy::v1::Grant grant;
  SLUICE_CHECK(grant.ParseFromString(parts_of(signed_grant).payload()), "policy-engine made it");
  return grant;
}

policy::v1::CallerClaims claims_in(const std::string& token) {
  policy::v1::SignedToken parts;
  policy::v1::CallerClaims claims;
  SLUICE_CHECK(
      parts.ParseFromString(token) && claims.ParseFromString(parts.payload()),
      "policy-engine made it"
  );
  return claims;
}

Intruder::Intruder(Setting setting, bus::Bus* bus, bus::Transport* transport, async::Clock* clock)
    : setting_(std::move(setting)), bus_(bus), transport_(transport), clock_(clock) {
  transport_->on_violation([this](std::string_view text) { violations_.emplace_back(text); });
}

RequestContext Intruder::context(std::string token) const {
  RequestContext context;
  context.request = RequestId("req_" + name_);
  context.chain = ChainId(std::string(31, 'a') + "0");
  context.tenant = TenantId("default");
  context.deadline = clock_->now() + kRequestTimeout;
  context.caller_token = std::move(token);
  return context;
}

Async<void> Intruder::prepare() {
  for (const auto& [pem, key] :
       {std::pair{&setting_.forger_pem, &forger_},
        std::pair{&setting_.token_signing_pem, &token_key_},
        std::pair{&setting_.grant_signing_pem, &grant_key_}}) {
    SLUICE_CO_TRY(auto read, crypto::PrivateKey::from_pem(Secret<std::string>(*pem)));
    key->emplace(std::move(read));
  }
  SLUICE_CO_TRY(token_, co_await authenticate(setting_.key));
  SLUICE_CO_TRY(other_token_, co_await authenticate(setting_.other_key));
  SLUICE_CO_TRY(approver_token_, co_await authenticate(setting_.approver_key));
  SLUICE_CO_TRY(
      const auto catalog,
      co_await bus_->call(
          endpoints::kConnectorCatalog, connector::v1::CatalogRequest(), context(token_)
      )
  );
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      tools_[server.name() + "-" + tool.name()] = {
          server.server_id(), server.name(), tool.name(), tool.definition_hash()
      };
    }
  }
  if (!tools_.contains("ledger-append")) {
    co_return Error(Code::NotFound, "the ledger server is not in the catalog");
  }
  co_return Result<void>();
}

const Tool& Intruder::tool(const std::string& name) const {
  const auto found = tools_.find(name);
  SLUICE_CHECK(found != tools_.end(), "the test's settings name it");
  return found->second;
}

Async<std::string> Intruder::authenticate(std::string credential) {
  policy::v1::AuthenticateRequest request;
  request.set_credential(std::move(credential));
  SLUICE_CO_TRY(
      const auto reply,
      co_await bus_->call(endpoints::kPolicyAuthenticate, std::move(request), context(""))
  );
  co_return reply.caller_token();
}

Async<std::string> Intruder::send(Sent sent) {
  connector::v1::Request request;
  const std::string server_id =
      sent.server_id.empty() ? tool("ledger-append").server_id : sent.server_id;
  request.set_server_id(server_id);
  request.set_method(std::move(sent.method));
  request.set_params(std::move(sent.arguments));
  request.set_grant(std::move(sent.grant));
  request.set_tool_call_id(name_);
  auto stream = co_await bus_->open(
      endpoints::kConnectorRequest, server_id, std::move(request), context(std::move(sent.token))
  );
  while (stream.ok()) {
    const auto chunk = co_await stream.value().next();
    if (!chunk.ok()) {
      co_return code_of(chunk);
    }
    if (!chunk.value()) {
      co_return std::string("OK");
    }
  }
  co_return code_of(stream);
}

Async<policy::v1::DecideReply> Intruder::decide(Asked asked) {
  policy::v1::DecideRequest request;
  request.set_decision_id(
      asked.decision_id.empty() ? crypto::random_bytes(16) : std::move(asked.decision_id)
  );
  request.set_decision_unix_ms(clock_->unix_ms() - asked.decided_ago_ms);
  request.set_mode(asked.mode);
  auto* call = request.add_calls();
  call->set_server_id(asked.tool.server_id);
  call->set_server(asked.tool.server);
  call->set_tool(asked.tool.tool);
  call->set_definition_hash(asked.tool.definition_hash);
  call->set_arguments(asked.arguments);
  call->set_tool_call_id(name_);
  call->set_approval_id(asked.approval);
  co_return co_await bus_->call(
      endpoints::kPolicyDecide, std::move(request), context(std::move(asked.token))
  );
}

Async<std::string> Intruder::verdict(Asked asked) {
  const auto reply = co_await decide(std::move(asked));
  if (!reply.ok()) {
    co_return code_of(reply);
  }
  const bool granted = std::any_of(
      reply.value().decisions().begin(),
      reply.value().decisions().end(),
      [](const auto& decision) { return !decision.grant().empty(); }
  );
  co_return std::string(granted ? "OK" : "Denied");
}

Async<std::string> Intruder::granted(Asked asked) {
  SLUICE_CO_TRY(const auto reply, co_await decide(std::move(asked)));
  if (reply.decisions_size() != 1 || reply.decisions(0).grant().empty()) {
    co_return Error(
        Code::Denied,
        "no grant: " + (reply.decisions_size() == 1 ? reply.decisions(0).reason() : "")
    );
  }
  co_return reply.decisions(0).grant();
}

Async<std::string> Intruder::approval(Asked asked, Then then) {
  SLUICE_CO_TRY(const auto reply, co_await decide(std::move(asked)));
  const std::string id = reply.decisions(0).approval_id();
  if (id.empty()) {
    co_return Error(Code::Internal, "no approval was asked for: " + reply.decisions(0).reason());
  }
  if (then != Then::Wait) {
    policy::v1::AnswerApprovalRequest answer;
    answer.set_id(id);
    answer.set_approve(then == Then::Approve);
    SLUICE_CO_TRY(
        const auto answered,
        co_await bus_->call(endpoints::kPolicyApprovalsAnswer, answer, context(approver_token_))
    );
    static_cast<void>(answered);
  }
  co_return id;
}

Async<std::string> Intruder::await_violation(std::string subject) {
  const TimePoint until = clock_->now() + kViolationWait;
  while (clock_->now() < until) {
    const bool told =
        std::any_of(violations_.begin(), violations_.end(), [&subject](const std::string& text) {
          return text.find(subject) != std::string::npos;
        });
    if (told) {
      co_return std::string("Denied");
    }
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock_, kLook));
  }
  co_return std::string("OK");
}

Async<std::string> Intruder::publish(std::string subject, std::string bytes) {
  violations_.clear();
  SLUICE_CO_CHECK_OK(transport_->publish(subject, "", bytes));
  co_return co_await await_violation(std::move(subject));
}

Async<std::string> Intruder::subscribe(std::string subject) {
  violations_.clear();
  SLUICE_CO_TRY(const auto held, transport_->subscribe(subject, "", [](const bus::Delivery&) {}));
  co_return co_await await_violation(std::move(subject));
}

Async<std::string> Intruder::throw_at(std::string subject, std::string reply, std::string bytes) {
  const auto published = transport_->publish(subject, reply, bytes);
  if (!published.ok()) {
    co_return code_of(published);
  }
  SLUICE_CO_CHECK_OK(co_await transport_->settle());
  co_return std::string("Ignored");
}

}  // namespace sluice::e2e
