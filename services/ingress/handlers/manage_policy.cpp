#include "services/ingress/handlers/manage_policy.h"

#include "services/ingress/domain/openai_error.h"

#include "common/base/bytes.h"
#include "common/grant/approval_form.h"
#include "common/grant/policy_names.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::ingress {
namespace {

json::Object head_of(const policy::v1::ManageReply& reply) {
  json::Object out;
  out.set("policy_version", static_cast<std::int64_t>(reply.policy_version()));
  out.set("snapshot_hash", to_hex(reply.snapshot_hash()));
  return out;
}

void set_warnings(const policy::v1::ManageReply& reply, json::Object* out) {
  json::Array warnings;
  for (const std::string& warning : reply.warnings()) {
    warnings.emplace_back(warning);
  }
  out->set("warnings", std::move(warnings));
}

json::Value steps_of(const policy::v1::Explanation& explanation) {
  json::Array steps;
  for (const auto& step : explanation.steps()) {
    steps.push_back(json::object({
        {"rule", step.rule()},
        {"matched", step.matched()},
        {"verdict", name_of(step.verdict())},
        {"detail", step.detail()},
    }));
  }
  return steps;
}

json::Value counter_form(const policy::v1::LimitState::Counter& counter) {
  json::Object form;
  form.set("subject", counter.subject());
  form.set("counts", counter.at_once() ? "at_once" : "calls");
  form.set("taken", std::int64_t{counter.taken()});
  form.set("of", std::int64_t{counter.calls()});
  if (counter.frees_unix_ms() > 0) {
    form.set("frees_at", grant::rfc3339_of(counter.frees_unix_ms()));
  }
  return form;
}

json::Value limits_of(const policy::v1::ManageReply& reply) {
  json::Array limits;
  for (const policy::v1::LimitState& limit : reply.limits()) {
    json::Array counters;
    for (const auto& counter : limit.counters()) {
      counters.push_back(counter_form(counter));
    }
    limits.push_back(json::object({{"id", limit.id()}, {"counters", std::move(counters)}}));
  }
  return limits;
}

Error body_error(const std::string& what) {
  return Error(Code::Invalid, what);
}

// The members of a body, none of which may be unknown; "" is an empty object.
Result<json::Object> object_in(const std::string& body, std::vector<std::string_view> known) {
  if (body.empty()) {
    return json::Object();
  }
  SLUICE_TRY(const json::Value value, json::parse(body));
  if (!value.is_object()) {
    return body_error("the body is no JSON object: send one");
  }
  for (const auto& [key, member] : value.as_object()->members()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return body_error("the body has the unknown member \"" + key + "\": remove it");
    }
  }
  return *value.as_object();
}

// A text member; "" when it is absent.
Result<std::string> text_in(const json::Object& body, std::string_view key) {
  const json::Value* const value = body.find(key);
  if (value == nullptr || value->is_null()) {
    return std::string();
  }
  if (!value->is_string()) {
    return body_error("\"" + std::string(key) + "\" is no string: send one");
  }
  return *value->as_string();
}

Result<policy::v1::ManageRequest> reload_in(const std::string& text) {
  SLUICE_TRY(const json::Object body, object_in(text, {"dry_run"}));
  const json::Value* const dry_run = body.find("dry_run");
  if (dry_run != nullptr && !dry_run->is_bool()) {
    return body_error("\"dry_run\" is no boolean: send true or false");
  }
  policy::v1::ManageRequest operation;
  operation.mutable_reload()->set_dry_run(dry_run != nullptr && *dry_run->as_bool());
  return operation;
}

Result<policy::v1::ManageRequest> explain_in(const std::string& text) {
  SLUICE_TRY(
      const json::Object body, object_in(text, {"server", "tool", "arguments", "mode", "key_id"})
  );
  policy::v1::ManageRequest operation;
  policy::v1::ManageRequest::Explain* const asked = operation.mutable_explain();
  SLUICE_TRY(*asked->mutable_server(), text_in(body, "server"));
  SLUICE_TRY(*asked->mutable_tool(), text_in(body, "tool"));
  SLUICE_TRY(*asked->mutable_key_id(), text_in(body, "key_id"));
  SLUICE_TRY(const std::string mode, text_in(body, "mode"));
  if (asked->server().empty() || asked->tool().empty()) {
    return body_error(R"(the body names no call: send "server" and "tool")");
  }
  if (!mode.empty()) {
    const auto known = policy::v1::mode_named(mode);
    if (!known) {
      return body_error(
          R"("mode" is unknown: send "manual", "agent", "code" or "agent_code", or leave it out)"
      );
    }
    asked->set_mode(*known);
  }
  const json::Value* const arguments = body.find("arguments");
  if (arguments != nullptr && !arguments->is_object()) {
    return body_error(R"("arguments" is no object: send those of the call, or leave them out)");
  }
  if (arguments != nullptr) {
    asked->set_arguments(json::canonical(*arguments));
  }
  return operation;
}

}  // namespace

Async<http::HttpResponse> ManagePolicyHandler::show(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  operation.mutable_get_policy();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  json::Object out = head_of(reply);
  SLUICE_CO_TRY(json::Value policy, json::parse(reply.policy()));
  out.set("policy", std::move(policy));
  set_warnings(reply, &out);
  co_return json_response(200, json::write(out));
}

Async<http::HttpResponse> ManagePolicyHandler::reload(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  SLUICE_CO_TRY(policy::v1::ManageRequest operation, reload_in(request.body));
  const bool dry_run = operation.reload().dry_run();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  json::Object out = head_of(reply);
  out.set("dry_run", dry_run);
  set_warnings(reply, &out);
  co_return json_response(200, json::write(out));
}

Async<http::HttpResponse> ManagePolicyHandler::explain(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  SLUICE_CO_TRY(policy::v1::ManageRequest operation, explain_in(request.body));
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  const policy::v1::Explanation& explanation = reply.explanation();
  co_return json_response(
      200,
      json::write(json::object({
          {"policy_version", static_cast<std::int64_t>(reply.policy_version())},
          {"verdict", name_of(explanation.verdict())},
          {"effect_class", name_of(explanation.effect_class())},
          {"rule", explanation.rule()},
          {"reason", explanation.reason()},
          {"steps", steps_of(explanation)},
      }))
  );
}

Async<http::HttpResponse> ManagePolicyHandler::limits(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  operation.mutable_list_limits();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  co_return json_response(
      200,
      json::write(json::object({
          {"policy_version", static_cast<std::int64_t>(reply.policy_version())},
          {"limits", limits_of(reply)},
      }))
  );
}

}  // namespace sluice::ingress
