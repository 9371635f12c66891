#include "services/ingress/domain/mcp_read.h"

#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <utility>

namespace sluice::ingress {
namespace {

Error nobody_has(std::string_view what, std::string_view name) {
  return Error(
      Code::NotFound,
      "no connected server offers " + std::string(what) + " \"" + std::string(name) +
          "\"; list them and ask for one of these"
  );
}

Error missing(std::string_view member) {
  return Error(
      Code::Invalid, "params." + std::string(member) + " is missing; send what a list names"
  );
}

OfferingTarget target_of(const Offering& offering) {
  return {offering.server_id, offering.server, offering.key};
}

Result<OfferingTarget> find(
    const Offerings& offerings, OfferingKind kind, std::string_view what, std::string_view name
) {
  const Offering* offering = offerings.find(kind, name);
  if (offering == nullptr) {
    return nobody_has(what, name);
  }
  return target_of(*offering);
}

// params.ref of a completion, which names a prompt, a template or a resource.
Result<OfferingTarget> find_ref(const Offerings& offerings, json::Value* ref) {
  const bool is_prompt = ref->text_or("type", "") == "ref/prompt";
  const std::string member = is_prompt ? "name" : "uri";
  const std::string name = ref->text_or(member, "");
  if (name.empty()) {
    return missing("ref." + member);
  }
  const OfferingKind kind = is_prompt ? OfferingKind::Prompt : OfferingKind::Template;
  auto target = find(offerings, kind, is_prompt ? "prompt" : "resource template", name);
  if (!target.ok() && !is_prompt) {
    target = find(offerings, OfferingKind::Resource, "resource template", name);
  }
  if (target.ok()) {
    ref->as_object()->set(member, target.value().key);
  }
  return target;
}

Result<OfferingTarget> find_target(
    const Offerings& offerings, std::string_view method, json::Value* params
) {
  if (method == mcp::kCompletionComplete) {
    json::Value* ref = params->find("ref");
    return ref == nullptr || !ref->is_object() ? missing("ref") : find_ref(offerings, ref);
  }
  const std::string member = method == mcp::kPromptsGet ? "name" : "uri";
  const std::string name = params->text_or(member, "");
  if (name.empty()) {
    return missing(member);
  }
  if (method == mcp::kPromptsGet) {
    SLUICE_TRY(auto prompt, find(offerings, OfferingKind::Prompt, "prompt", name));
    params->as_object()->set(member, prompt.key);
    return prompt;
  }
  auto resource = offerings.resource(name);
  if (!resource) {
    return nobody_has("resource", name);
  }
  params->as_object()->set(member, resource->key);
  return std::move(*resource);
}

// A resource that nobody has, as the era numbers it, with its URI unless the server said more.
void say_not_found(mcp::RpcError* error, const ReadTerms& terms) {
  error->code = terms.era == McpEra::Modern ? mcp::kInvalidParams : mcp::kLegacyResourceNotFound;
  if (error->data.empty() && !terms.uri.empty()) {
    error->data = json::write(json::object({{"uri", std::string(terms.uri)}}));
  }
}

// One overload an end.
struct Wording {
  RpcEnd operator()(const Finished& end) const {
    RpcEnd own = rpc_end_of(end);
    auto* error = std::get_if<mcp::RpcError>(&own);
    if (error != nullptr && error->code == mcp::kLegacyResourceNotFound) {
      say_not_found(error, terms);
    }
    return own;
  }

  RpcEnd operator()(const Withheld& end) const {
    return failed(Error(
        Code::Denied,
        end.decision.reason().empty() ? "policy does not let you read this" : end.decision.reason()
    ));
  }

  RpcEnd operator()(const UnknownTool& end) const {
    return failed(Error(Code::NotFound, end.message));
  }

  RpcEnd operator()(const NotCarriedOut& end) const {
    return failed(Error(Code::Unavailable, end.why + "; try again"));
  }

  RpcEnd operator()(const Replayed& /*end*/) const { return no_answer(); }

  RpcEnd operator()(const InProgress& /*end*/) const { return no_answer(); }

  RpcEnd operator()(const OutcomeUnknown& /*end*/) const { return no_answer(); }

  RpcEnd operator()(const InputNeeded& end) const { return rpc_end_of(end); }

  [[nodiscard]] RpcEnd no_answer() const {
    return failed(Error(Code::Unavailable, "the server did not answer; try again"));
  }

  [[nodiscard]] RpcEnd failed(const Error& error) const { return read_error_of(error, terms); }

  const ReadTerms& terms;
};

}  // namespace

Result<ReadRequest> read_request_of(
    const Offerings& offerings, std::string_view method, json::Value params
) {
  params.as_object()->erase("_meta");
  SLUICE_TRY(const OfferingTarget target, find_target(offerings, method, &params));
  ReadRequest request;
  request.params = std::move(params);
  request.target.name = method;
  request.target.method = method;
  request.target.server_id = target.server_id;
  request.target.server = target.server;
  request.target.effect_class = policy::v1::EFFECT_CLASS_READ;
  return request;
}

RpcEnd read_end_of(const ExecutionEnd& end, const ReadTerms& terms) {
  return std::visit(Wording{terms}, end);
}

mcp::RpcError read_error_of(const Error& error, const ReadTerms& terms) {
  mcp::RpcError out = mcp::to_rpc_error(error);
  const bool is_resource =
      terms.method == mcp::kResourcesRead || terms.method == mcp::kResourcesSubscribe;
  if (error.code() == Code::NotFound && is_resource) {
    say_not_found(&out, terms);
  }
  return out;
}

}  // namespace sluice::ingress
