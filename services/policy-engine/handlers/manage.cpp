#include "services/policy-engine/handlers/manage.h"

#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/domain/rule_check.h"
#include "services/policy-engine/limits.h"

#include "common/json/canonical.h"
#include "common/mcp/server_id.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::policy_engine {
namespace {

using policy::v1::ManageRequest;

policy::v1::ManageReply reply_about(const LoadedPolicy& loaded) {
  policy::v1::ManageReply reply;
  reply.set_policy_version(loaded.version);
  reply.set_snapshot_hash(loaded.hash);
  return reply;
}

void add_warnings(const std::vector<std::string>& warnings, policy::v1::ManageReply* reply) {
  reply->mutable_warnings()->Assign(warnings.begin(), warnings.end());
}

// Whose call is explained: of the key asked for, else the caller's own.
struct Explained {
  policy::v1::CallerClaims claims;
  const CallerKey* key = nullptr;
};

Result<Explained> explained_caller(
    const ManageRequest::Explain& asked, const VerifiedCaller& caller
) {
  if (asked.key_id().empty()) {
    return Explained{caller.claims, caller.key};
  }
  const CallerKey* const key = caller.policy->policy.key_named(asked.key_id());
  if (key == nullptr) {
    return Error(
        Code::NotFound, "no key has the id \"" + asked.key_id() + "\": name one of auth.keys"
    );
  }
  return Explained{key->claims(), key};
}

// The canonical form; "" for none.
Result<std::string> canonical_arguments(const std::string& arguments) {
  if (arguments.empty()) {
    return std::string();
  }
  auto canonical = json::canonical(std::string_view(arguments));
  if (arguments.size() > kArgumentsBytesMax || !canonical.ok() ||
      !canonical.value().starts_with('{')) {
    return Error(Code::Invalid, "the arguments are no JSON object: send one, or leave them out");
  }
  return canonical;
}

}  // namespace

Async<policy::v1::ManageReply> ManageHandler::operator()(
    ManageRequest request, RequestContext context
) {
  SLUICE_CO_TRY(VerifiedCaller caller, co_await deps_.callers->verify(context));
  const auto& roles = caller.claims.roles();
  if (std::find(roles.begin(), roles.end(), "admin") == roles.end()) {
    co_return Error(Code::Denied, "management needs a key with the role admin");
  }
  switch (request.operation_case()) {
    case ManageRequest::kGetPolicy:
      co_return show();
    case ManageRequest::kReload:
      co_return co_await reload(request.reload().dry_run(), caller.claims, std::move(context));
    case ManageRequest::kExplain:
      co_return co_await explain(request.explain(), std::move(caller), std::move(context));
    case ManageRequest::kListKeys:
      co_return co_await deps_.keys->list();
    case ManageRequest::kCreateKey:
      co_return co_await deps_.keys->create(
          std::move(*request.mutable_create_key()->mutable_key()),
          std::move(caller),
          std::move(context)
      );
    case ManageRequest::kUpdateKey:
      co_return co_await deps_.keys->update(
          std::move(*request.mutable_update_key()->mutable_key()),
          std::move(caller),
          std::move(context)
      );
    case ManageRequest::kRevokeKey:
      co_return co_await deps_.keys->revoke(
          std::move(*request.mutable_revoke_key()->mutable_id()),
          std::move(caller),
          std::move(context)
      );
    case ManageRequest::kListPins:
      co_return co_await deps_.pins->list(request.list_pins().quarantined_only());
    case ManageRequest::kGetPin:
      co_return co_await deps_.pins->get(request.get_pin().server(), request.get_pin().tool());
    case ManageRequest::kApprovePin:
      co_return co_await deps_.pins->approve(
          request.approve_pin(), caller.claims, std::move(context)
      );
    case ManageRequest::kListLimits:
      co_return co_await deps_.limits->list(caller.policy);
    default:
      co_return Error(
          Code::Invalid,
          "no operation: send get_policy, reload, explain, or one on keys, pins or limits"
      );
  }
}

Result<policy::v1::ManageReply> ManageHandler::show() const {
  SLUICE_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  policy::v1::ManageReply reply = reply_about(*loaded);
  reply.set_policy(loaded->policy.listing());
  add_warnings(rule_warnings(loaded->policy, deps_.catalogs->known().get()), &reply);
  return reply;
}

Async<policy::v1::ManageReply> ManageHandler::reload(
    bool dry_run, policy::v1::CallerClaims claims, RequestContext context
) {
  if (dry_run) {
    SLUICE_CO_TRY(const CheckedSettings checked, co_await deps_.reload->check());
    SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
    policy::v1::ManageReply reply = reply_about(*loaded);
    reply.set_snapshot_hash(checked.hash);
    add_warnings(checked.warnings, &reply);
    co_return reply;
  }
  audit::v1::Record record = audit::record_of(context, "policy.reload");
  record.set_tenant(claims.tenant());
  record.set_principal(claims.principal());
  record.set_key_id(claims.key_id());
  SLUICE_CO_TRY(const CheckedSettings checked, co_await deps_.reload->apply(std::move(record)));
  SLUICE_CO_TRY(const PolicyState::Snapshot loaded, deps_.policy->current());
  policy::v1::ManageReply reply = reply_about(*loaded);
  add_warnings(checked.warnings, &reply);
  co_return reply;
}

Async<policy::v1::ManageReply> ManageHandler::explain(
    ManageRequest::Explain asked, VerifiedCaller caller, RequestContext context
) {
  SLUICE_CO_TRY(const std::string text, canonical_arguments(asked.arguments()));
  SLUICE_CO_TRY(const Explained explained, explained_caller(asked, caller));
  SLUICE_CO_TRY(const CatalogCache::Snapshot catalog, co_await deps_.catalogs->get(context));
  policy::v1::ManageReply reply = reply_about(*caller.policy);
  const CatalogTool* const tool = catalog->find(mcp::server_id(asked.server()).str(), asked.tool());
  if (tool == nullptr) {
    const Ruling ruling = unknown_tool();
    reply.mutable_explanation()->set_verdict(ruling.verdict);
    reply.mutable_explanation()->set_rule(ruling.rule);
    reply.mutable_explanation()->set_reason(ruling.reason);
    co_return reply;
  }
  const policy::v1::ToolFilter not_narrowed;
  CallArguments arguments(text);
  *reply.mutable_explanation() = policy_engine::explain(
      caller.policy->policy,
      {&explained.claims, explained.key, &not_narrowed, asked.mode()},
      *tool,
      text.empty() ? nullptr : &arguments
  );
  co_return reply;
}

}  // namespace sluice::policy_engine
