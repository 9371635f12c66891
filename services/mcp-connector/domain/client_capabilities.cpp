#include "services/mcp-connector/domain/client_capabilities.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr std::string_view kSampling = "sampling";
constexpr std::string_view kElicitation = "elicitation";
constexpr std::string_view kRoots = "roots";
constexpr std::string_view kTasks = "tasks";
constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";

json::Value empty_object() {
  return json::object({});
}

bool has(const json::Value* value, std::string_view key) {
  const json::Value* member = value == nullptr ? nullptr : value->find(key);
  return member != nullptr && member->is_object();
}

std::string nested(std::string_view outer, std::string_view inner) {
  return json::write(
      json::object({{std::string(outer), json::object({{std::string(inner), empty_object()}})}})
  );
}

std::string single(std::string_view name) {
  return json::write(json::object({{std::string(name), empty_object()}}));
}

// A client that declares elicitation without saying how means forms.
std::optional<std::string> lacking_elicitation(
    const json::Value& declared, const json::Value& params
) {
  const json::Value* elicitation = declared.find(kElicitation);
  const bool by_url = params.text_or("mode", "form") == "url";
  if (elicitation == nullptr || !elicitation->is_object()) {
    return by_url ? nested(kElicitation, "url") : single(kElicitation);
  }
  if (by_url) {
    return has(elicitation, "url") ? std::nullopt : std::optional(nested(kElicitation, "url"));
  }
  const bool forms = has(elicitation, "form") || !has(elicitation, "url");
  return forms ? std::nullopt : std::optional(nested(kElicitation, "form"));
}

}  // namespace

std::string offered_capabilities(const ClientOffer& offer) {
  json::Object out;
  if (offer.roots) {
    out.set(kRoots, empty_object());
  }
  if (offer.sampling) {
    out.set(kSampling, empty_object());
  }
  if (offer.elicitation) {
    out.set(kElicitation, json::object({{"form", empty_object()}, {"url", empty_object()}}));
  }
  return json::write(out);
}

Result<std::string> passed_capabilities(std::string_view declared, const ClientOffer& offer) {
  json::Value value = empty_object();
  if (!declared.empty()) {
    SLUICE_TRY(value, json::parse(declared));
  }
  json::Object* capabilities = value.as_object();
  if (capabilities == nullptr) {
    return Error(
        Code::Invalid, "client_capabilities are no JSON object; send what the client declared"
    );
  }
  capabilities->erase(kTasks);
  if (!offer.roots) {
    capabilities->erase(kRoots);
  } else if (!offer.root_uris.empty()) {
    capabilities->set(kRoots, empty_object());
  }
  if (!offer.sampling) {
    capabilities->erase(kSampling);
  }
  if (!offer.elicitation) {
    capabilities->erase(kElicitation);
  }
  if (json::Value* extensions = capabilities->find("extensions");
      extensions != nullptr && extensions->is_object()) {
    extensions->as_object()->erase(kTasksExtension);
  }
  return json::write(value);
}

bool is_question(std::string_view method) {
  return method == mcp::kSamplingCreateMessage || method == mcp::kElicitationCreate ||
         method == mcp::kRootsList;
}

std::optional<std::string> lacking_capability(
    std::string_view passed, std::string_view method, std::string_view params
) {
  const auto parsed = json::parse(passed);
  const json::Value declared = parsed.ok() ? parsed.value() : json::Value();
  if (method == mcp::kRootsList) {
    return has(&declared, kRoots) ? std::nullopt : std::optional(single(kRoots));
  }
  const auto asked = json::parse(params.empty() ? "{}" : params);
  const json::Value question = asked.ok() ? asked.value() : json::Value();
  if (method == mcp::kElicitationCreate) {
    return lacking_elicitation(declared, question);
  }
  if (!has(&declared, kSampling)) {
    return single(kSampling);
  }
  const bool with_tools =
      question.find("tools") != nullptr || question.find("toolChoice") != nullptr;
  return with_tools && !has(declared.find(kSampling), "tools")
             ? std::optional(nested(kSampling, "tools"))
             : std::nullopt;
}

mcp::RpcError missing_capability(std::string required) {
  return {
      .code = mcp::kMissingClientCapability,
      .message =
          "the client of this request did not declare the capability to answer that; do "
          "without it, or call with a client that has it",
      .data = R"({"requiredCapabilities":)" + std::move(required) + "}"
  };
}

std::string configured_roots(const ClientOffer& offer) {
  json::Array roots;
  for (const std::string& uri : offer.root_uris) {
    roots.push_back(json::object({{"uri", uri}}));
  }
  return json::write(json::object({{"roots", std::move(roots)}}));
}

}  // namespace sluice::mcp_connector
