#include "services/ingress/domain/mcp_result.h"

#include "services/ingress/domain/mcp_input.h"
#include "services/ingress/domain/mcp_request.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kServerInfo = R"({"name":"sluice","title":"Sluice","version":"1"})";
constexpr std::string_view kCapabilities =
    R"({"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},)"
    R"("prompts":{"listChanged":true},"completions":{},"logging":{}})";
// The list depends on who asks. A client that does not listen for changes asks again after this.
constexpr std::string_view kCaching = R"(,"ttlMs":30000,"cacheScope":"private")";

// What each list is made of, and the member it stands in.
struct List {
  std::string_view method;
  std::string_view member;
  std::optional<OfferingKind> kind;  // none: tools
};

constexpr std::array<List, 4> kLists{{
    {"tools/list", "tools", std::nullopt},
    {"resources/list", "resources", OfferingKind::Resource},
    {"resources/templates/list", "resourceTemplates", OfferingKind::Template},
    {"prompts/list", "prompts", OfferingKind::Prompt},
}};

const List* find_list(std::string_view method) {
  const auto* const place = std::find_if(kLists.begin(), kLists.end(), [method](const List& list) {
    return list.method == method;
  });
  return place == kLists.end() ? nullptr : place;
}

std::string modern_head() {
  return R"("resultType":"complete","_meta":{")" + std::string(mcp::kMetaServerInfo) + R"(":)" +
         std::string(kServerInfo) + "}";
}

std::string subscription_meta(const mcp::RpcId& subscription) {
  return R"("_meta":{")" + std::string(mcp::kMetaSubscriptionId) + R"(":)" +
         mcp::to_json(subscription) + "}";
}

// A result's _meta with the gateway as the server.
std::string own_meta(std::string_view raw) {
  json::Value meta = json::parse(raw).value_or(json::Value());
  if (!meta.is_object()) {
    meta = json::Value(json::Object());
  }
  meta.as_object()->set(
      mcp::kMetaServerInfo, json::parse(kServerInfo).value_or(json::Value(json::Object()))
  );
  return json::write(meta);
}

mcp::RpcError rpc_error_of(const std::string& error) {
  auto parsed = mcp::parse_rpc_error(error);
  return parsed.ok() ? std::move(parsed).value()
                     : mcp::RpcError{
                           .code = mcp::kInternalError,
                           .message =
                               "the tool's server answered with a malformed error; look at "
                               "its logs",
                           .data = {}
                       };
}

// A member of that name, or nothing.
std::string instructions_member(std::string_view instructions) {
  if (instructions.empty()) {
    return {};
  }
  std::string member = R"(,"instructions":)";
  json::append_quoted(member, instructions);
  return member;
}

// Without those that say wrongly which arguments are repeated as headers.
std::string modern_tools(const CatalogSnapshot& snapshot) {
  std::string out = snapshot.definitions_json();
  const auto& entries = snapshot.entries();
  // From the end, so that the places of those before still hold.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    auto [begin, size] = entry->definition;
    if (declares_headers_well(snapshot.definition_of(*entry))) {
      continue;
    }
    begin -= begin + size == out.size() && begin > 0 ? 1 : 0;  // one comma goes with it
    out.erase(begin, size + 1);
  }
  return out;
}

std::string with_period(std::string text) {
  return text.empty() || text.ends_with('.') ? text : text + ".";
}

// One overload an end.
struct Wording {
  RpcEnd operator()(const UnknownTool& end) const {
    return mcp::RpcError{.code = mcp::kInvalidParams, .message = end.message, .data = {}};
  }

  RpcEnd operator()(const Withheld& end) const {
    const policy::v1::Decision& decision = end.decision;
    std::string text = end.waits() ? "This call needs the approval of a person before it runs"
                                   : "Policy does not let you run this tool";
    text.append(" (rule ").append(decision.rule()).append(")");
    text.append(decision.reason().empty() ? "." : ": " + with_period(decision.reason()));
    if (end.waits()) {
      text.append(" Approval: ")
          .append(decision.approval_id())
          .append(". When it is given, make the same call with the HTTP header x-sluice-approval: ")
          .append(decision.approval_id());
    }
    return text_result(text, true);
  }

  RpcEnd operator()(const Finished& end) const {
    if (!end.final.error().empty()) {
      return rpc_error_of(end.final.error());
    }
    return end.final.result();
  }

  RpcEnd operator()(const Replayed& end) const {
    if (end.kept.empty()) {
      return text_result(
          "This call was carried out earlier; its result is no longer kept. The audit trail has "
          "its digest.",
          false
      );
    }
    return end.kept;
  }

  RpcEnd operator()(const InProgress& /*end*/) const {
    return text_result("This call was started before and has not ended; wait for it.", true);
  }

  RpcEnd operator()(const OutcomeUnknown& /*end*/) const {
    return text_result(
        "This call was sent to its server and no answer was recorded. Look whether it had its "
        "effect before you make it again.",
        true
    );
  }

  RpcEnd operator()(const NotCarriedOut& end) const {
    return text_result(with_period(end.why) + " Nothing was carried out.", true);
  }

  RpcEnd operator()(const InputNeeded& end) const {
    auto result = input_required_result(end);
    if (!result.ok()) {
      return mcp::to_rpc_error(result.error());
    }
    return std::move(result).value();
  }
};

int status_of(const RpcEnd& end, McpEra era) {
  const auto* error = std::get_if<mcp::RpcError>(&end);
  if (error == nullptr || era == McpEra::Legacy) {
    return 200;
  }
  switch (error->code) {
    case mcp::kMethodNotFound:
      return 404;
    case mcp::kHeaderMismatch:
    case mcp::kMissingClientCapability:
    case mcp::kUnsupportedProtocolVersion:
      return 400;
    default:
      return 200;
  }
}

}  // namespace

std::string initialize_result(std::string_view version, std::string_view instructions) {
  return R"({"protocolVersion":")" + std::string(version) + R"(","capabilities":)" +
         std::string(kCapabilities) + R"(,"serverInfo":)" + std::string(kServerInfo) +
         instructions_member(instructions) + "}";
}

std::string discover_result(std::string_view instructions) {
  std::string versions;
  for (const std::string_view version : mcp::kModernVersions) {
    versions.append(versions.empty() ? "\"" : ",\"").append(version).append("\"");
  }
  return "{" + modern_head() + R"(,"supportedVersions":[)" + versions + R"(],"capabilities":)" +
         std::string(kCapabilities) + std::string(kCaching) + instructions_member(instructions) +
         "}";
}

bool is_list(std::string_view method) {
  return find_list(method) != nullptr;
}

std::string list_result(const CatalogSnapshot& snapshot, std::string_view method, McpEra era) {
  const List* list = find_list(method);
  SLUICE_CHECK(list != nullptr, "is_list says which methods are lists");
  std::string out = "{";
  if (era == McpEra::Modern) {
    out.append(modern_head()).append(kCaching).append(",");
  }
  out.append("\"").append(list->member).append("\":[");
  if (list->kind) {
    out.append(snapshot.offerings().list(*list->kind));
  } else {
    out.append(era == McpEra::Modern ? modern_tools(snapshot) : snapshot.definitions_json());
  }
  return out.append("]}");
}

std::string text_result(std::string_view text, bool is_error) {
  std::string out = R"({"content":[{"type":"text","text":)";
  json::append_quoted(out, text);
  out.append("}]").append(is_error ? R"(,"isError":true})" : "}");
  return out;
}

RpcEnd rpc_end_of(const ExecutionEnd& end) {
  return std::visit(Wording{}, end);
}

Result<std::string> modern_result(std::string result, Caching caching) {
  result.reserve(result.size() + json::kScanPadding);
  const auto scan = json::Scan::object(result);
  if (!scan.ok()) {
    return Error(
        Code::Unavailable,
        "the server answered with something that is not a result; the call may have had its effect"
    );
  }
  const auto lacks = [&scan](std::string_view member) {
    return scan.value().find(member) == nullptr;
  };
  std::string head;
  if (lacks("resultType")) {
    head.append(R"("resultType":"complete",)");
  }
  if (caching == Caching::Yes && lacks("ttlMs") && lacks("cacheScope")) {
    head.append(kCaching.substr(1)).append(",");
  }
  const std::string meta = own_meta(scan.value().raw("_meta"));
  if (lacks("_meta")) {
    head.append(R"("_meta":)").append(meta).append(",");
  }
  if (!head.empty() && scan.value().fields().empty()) {
    head.pop_back();  // nothing follows
  }
  const std::size_t inside = result.find('{') + 1;
  std::vector<json::Splice> splices{{.begin = inside, .end = inside, .text = head}};
  if (const json::Field* field = scan.value().find("_meta"); field != nullptr) {
    splices.push_back({.begin = field->value_begin, .end = field->value_end, .text = meta});
  }
  return json::splice(result, splices);
}

http::HttpResponse rpc_response(const mcp::RpcId& id, const RpcEnd& end, McpEra era) {
  const auto* error = std::get_if<mcp::RpcError>(&end);
  return json_response(
      status_of(end, era),
      error != nullptr ? mcp::make_error(id, *error)
                       : mcp::make_result(id, std::get<std::string>(end))
  );
}

http::HttpResponse refusal_response(
    const std::optional<mcp::RpcId>& id, const McpRefusal& refusal
) {
  return json_response(refusal.status, mcp::make_error(id, refusal.error));
}

ChangeMessages changes_of(const std::optional<mcp::RpcId>& subscription, ChangeKinds kinds) {
  const std::string params =
      subscription ? "{" + subscription_meta(*subscription) + "}" : std::string();
  const auto message = [&params](bool wanted, std::string_view list) {
    return wanted ? mcp::make_notification(
                        "notifications/" + std::string(list) + "/list_changed", params
                    )
                  : std::string();
  };
  return {
      .tools = message(kinds.tools, "tools"),
      .resources = message(kinds.resources, "resources"),
      .prompts = message(kinds.prompts, "prompts")
  };
}

std::string subscription_acknowledged(
    const mcp::RpcId& subscription, ChangeKinds kinds, const std::vector<std::string>& uris
) {
  json::Object honoured;
  for (const auto& [member, wanted] :
       {std::pair("toolsListChanged", kinds.tools),
        std::pair("promptsListChanged", kinds.prompts),
        std::pair("resourcesListChanged", kinds.resources)}) {
    if (wanted) {
      honoured.set(member, true);
    }
  }
  if (!uris.empty()) {
    json::Array list;
    for (const std::string& uri : uris) {
      list.emplace_back(uri);
    }
    honoured.set("resourceSubscriptions", std::move(list));
  }
  return mcp::make_notification(
      "notifications/subscriptions/acknowledged",
      "{" + subscription_meta(subscription) + R"(,"notifications":)" +
          json::write(json::Value(std::move(honoured))) + "}"
  );
}

std::string resource_updated(const std::optional<mcp::RpcId>& subscription, std::string_view uri) {
  std::string params = R"({"uri":)";
  json::append_quoted(params, uri);
  params.append(subscription ? "," + subscription_meta(*subscription) + "}" : "}");
  return mcp::make_notification("notifications/resources/updated", params);
}

std::string subscription_result(const mcp::RpcId& subscription) {
  return R"({"resultType":"complete",)" + subscription_meta(subscription) + "}";
}

Result<std::string> progress_for(std::string_view notification, json::Value token) {
  SLUICE_TRY(json::Value message, json::parse(notification));
  json::Value* params = message.find("params");
  if (params == nullptr || !params->is_object()) {
    return Error(Code::Invalid, "a progress notification has no params; repair the server");
  }
  params->as_object()->set("progressToken", std::move(token));
  return json::write(message);
}

}  // namespace sluice::ingress
