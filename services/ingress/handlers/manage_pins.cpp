#include "services/ingress/handlers/manage_pins.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/query.h"

#include "common/base/bytes.h"
#include "common/grant/approval_form.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <string>
#include <utility>

namespace sluice::ingress {
namespace {

json::Value or_null(std::string text) {
  return text.empty() ? json::Value() : json::Value(std::move(text));
}

json::Value time_or_null(std::int64_t unix_ms) {
  return unix_ms == 0 ? json::Value() : json::Value(grant::rfc3339_of(unix_ms));
}

json::Object form_of(const policy::v1::ToolPin& pin) {
  json::Array confusable;
  for (const std::string& other : pin.confusable_with()) {
    confusable.emplace_back(other);
  }
  json::Object out;
  out.set("server", pin.server());
  out.set("tool", pin.tool());
  out.set("quarantined", pin.quarantined());
  out.set("pinned_hash", or_null(to_hex(pin.pinned_hash())));
  out.set("pinned_by", or_null(pin.pinned_by()));
  out.set("pinned_at", time_or_null(pin.pinned_unix_ms()));
  out.set("offered_hash", or_null(to_hex(pin.offered_hash())));
  out.set("offered_at", time_or_null(pin.offered_unix_ms()));
  out.set("confusable_with", std::move(confusable));
  return out;
}

json::Value differences_of(const policy::v1::ToolPin& pin) {
  json::Array differences;
  for (const auto& difference : pin.differences()) {
    differences.push_back(json::object({
        {"pointer", difference.pointer()},
        {"pinned", or_null(difference.pinned())},
        {"offered", or_null(difference.offered())},
    }));
  }
  return differences;
}

json::Value warnings_of(const policy::v1::ManageReply& reply) {
  json::Array warnings;
  for (const std::string& warning : reply.warnings()) {
    warnings.emplace_back(warning);
  }
  return warnings;
}

// In the query, because names of tools may hold a slash.
Result<std::string> tool_in(const http::HttpRequest& request) {
  SLUICE_TRY(auto tool, query_text(request.query, "tool"));
  if (!tool || tool->empty()) {
    return Error(Code::Invalid, "the request names no tool: add ?tool=<its name>");
  }
  return *std::move(tool);
}

// The hash of the definition that is agreed to.
Result<std::string> approved_in(const std::string& text) {
  const Error wrong(
      Code::Invalid,
      R"(the body is no approval: send {"definition_hash": "<the pin's offered_hash>", "approve": true})"
  );
  const auto body = json::parse(text);
  if (!body.ok() || !body.value().is_object() || body.value().as_object()->size() != 2) {
    return wrong;
  }
  const json::Value* const approve = body.value().find("approve");
  auto hash = from_hex(body.value().text_or("definition_hash", ""));
  constexpr std::size_t kHashBytes = 32;
  if (approve == nullptr || !approve->as_bool().value_or(false) || !hash.ok() ||
      hash.value().size() != kHashBytes) {
    return wrong;
  }
  return hash;
}

}  // namespace

Async<http::HttpResponse> ManagePinsHandler::list(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  SLUICE_CO_TRY(const auto quarantined, query_text(request.query, "quarantined"));
  if (quarantined && *quarantined != "true" && *quarantined != "false") {
    co_return Error(Code::Invalid, "quarantined is neither true nor false; give one of them");
  }
  policy::v1::ManageRequest operation;
  operation.mutable_list_pins()->set_quarantined_only(quarantined == "true");
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  json::Array pins;
  for (const policy::v1::ToolPin& pin : reply.pins()) {
    pins.emplace_back(form_of(pin));
  }
  co_return json_response(200, json::write(json::object({{"pins", std::move(pins)}})));
}

Async<http::HttpResponse> ManagePinsHandler::get(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  SLUICE_CO_TRY(*operation.mutable_get_pin()->mutable_tool(), tool_in(request));
  operation.mutable_get_pin()->set_server(request.path_parameters.at(0));
  co_return co_await one(std::move(operation), admitted.context);
}

Async<http::HttpResponse> ManagePinsHandler::approve(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  policy::v1::ManageRequest::ApprovePin* const approved = operation.mutable_approve_pin();
  SLUICE_CO_TRY(*approved->mutable_definition_hash(), approved_in(request.body));
  SLUICE_CO_TRY(*approved->mutable_tool(), tool_in(request));
  approved->set_server(request.path_parameters.at(0));
  co_return co_await one(std::move(operation), admitted.context);
}

Async<http::HttpResponse> ManagePinsHandler::one(
    policy::v1::ManageRequest operation, RequestContext context
) {
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), std::move(context))
  );
  if (reply.pins_size() != 1) {
    co_return Error(Code::Internal, "policy-engine answered without the pin; report this");
  }
  json::Object out = form_of(reply.pins(0));
  out.set("differences", differences_of(reply.pins(0)));
  out.set("warnings", warnings_of(reply));
  co_return json_response(200, json::write(out));
}

}  // namespace sluice::ingress
