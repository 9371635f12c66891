#include "common/mcp/messages.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"
#include "common/mcp/line_splitter.h"

namespace sluice::mcp {
namespace {

// A catalog may be as long as a line.
constexpr json::ParseLimits kResultLimits{.depth_max = 64, .bytes_max = kLineBytesMax};

std::string quoted_json(std::string_view text) {
  std::string out;
  json::append_quoted(out, text);
  return out;
}

bool has(const json::Value& capabilities, std::string_view name) {
  const json::Value* capability = capabilities.find(name);
  return capability != nullptr && !capability->is_null();
}

// Whether the capability has that feature, e.g. resources.subscribe.
bool has(const json::Value& capabilities, std::string_view name, std::string_view feature) {
  const json::Value* capability = capabilities.find(name);
  const json::Value* flag = capability == nullptr ? nullptr : capability->find(feature);
  return flag != nullptr && flag->as_bool().value_or(false);
}

}  // namespace

std::string initialize_params(
    const Implementation& client, std::string_view version, std::string_view capabilities
) {
  return R"({"protocolVersion":)" + quoted_json(version) + R"(,"capabilities":)" +
         std::string(capabilities) + R"(,"clientInfo":{"name":)" + quoted_json(client.name) +
         R"(,"version":)" + quoted_json(client.version) + "}}";
}

ServerCapabilities capabilities_in(const json::Value& result) {
  const json::Value* capabilities = result.find("capabilities");
  if (capabilities == nullptr) {
    return {};
  }
  return {
      .has_tools = has(*capabilities, "tools"),
      .has_resources = has(*capabilities, "resources"),
      .has_prompts = has(*capabilities, "prompts"),
      .has_completions = has(*capabilities, "completions"),
      .has_subscriptions = has(*capabilities, "resources", "subscribe"),
      .has_logging = has(*capabilities, "logging"),
      .tools_change = has(*capabilities, "tools", "listChanged"),
      .resources_change = has(*capabilities, "resources", "listChanged"),
      .prompts_change = has(*capabilities, "prompts", "listChanged")
  };
}

Result<InitializeResult> parse_initialize_result(std::string_view result) {
  SLUICE_TRY(const json::Value value, json::parse(result, kResultLimits));
  InitializeResult out;
  out.protocol_version = value.text_or("protocolVersion", "");
  if (!is_legacy_version(out.protocol_version)) {
    return Error(
               Code::Invalid,
               "the server answers initialize with a protocol version this gateway does not speak; "
               "use a server of 2024-11-05 to 2026-07-28"
    )
        .with_detail(out.protocol_version);
  }
  if (const json::Value* server = value.find("serverInfo")) {
    out.server = {.name = server->text_or("name", ""), .version = server->text_or("version", "")};
  }
  out.capabilities = capabilities_in(value);
  out.instructions = value.text_or("instructions", "");
  return out;
}

std::string list_params(const std::optional<std::string>& cursor) {
  return cursor ? R"({"cursor":)" + quoted_json(*cursor) + "}" : std::string("{}");
}

Result<ListPage> parse_list_page(const ListMethod& list, std::string_view result) {
  SLUICE_TRY(json::Value value, json::parse(result, kResultLimits));
  json::Value* items = value.find(list.member);
  if (items == nullptr || !items->is_array()) {
    return Error(
        Code::Invalid,
        "the server's answer to " + std::string(list.method) + " has no " +
            std::string(list.member) + " array; repair the server"
    );
  }
  ListPage page{.items = std::move(*items->as_array()), .next_cursor = {}};
  const json::Value* cursor = value.find("nextCursor");
  if (cursor != nullptr && cursor->is_string()) {
    page.next_cursor = *cursor->as_string();
  }
  return page;
}

std::string tools_call_params(std::string_view tool, std::string_view arguments) {
  std::string out = R"({"name":)" + quoted_json(tool) + R"(,"arguments":)";
  out.append(arguments.empty() ? "{}" : arguments);
  return out += '}';
}

std::string progress_meta(std::int64_t token) {
  return R"("progressToken":)" + std::to_string(token);
}

std::string with_meta(std::string_view params, std::string_view members) {
  if (members.empty()) {
    return std::string(params);
  }
  std::string out = R"({"_meta":{)" + std::string(members) + '}';
  if (params.empty() || params == "{}") {
    return out += '}';
  }
  return out.append(",").append(params.substr(1));
}

std::string with_members(std::string_view params, std::string_view members) {
  std::string out(params.empty() ? "{}" : params);
  if (members.empty()) {
    return std::string(params);
  }
  out.pop_back();
  return out.append(out.size() > 1 ? "," : "").append(members).append("}");
}

Result<bool> says_is_error(std::string& result) {
  SLUICE_TRY(const json::Scan scan, json::Scan::object(result));
  return scan.flag_or("isError", false);
}

std::string cancelled_params(const RpcId& id, std::string_view reason) {
  return R"({"requestId":)" + to_json(id) + R"(,"reason":)" + quoted_json(reason) + "}";
}

std::optional<std::int64_t> progress_token_of(std::string_view params) {
  std::string document(params);
  document.reserve(document.size() + json::kScanPadding);
  const auto scan = json::Scan::object(document);
  if (!scan.ok()) {
    return std::nullopt;
  }
  const auto token = scan.value().integer("progressToken");
  return token.ok() ? std::optional(token.value()) : std::nullopt;
}

std::string text_in(std::string_view params, std::string_view name) {
  std::string document(params);
  document.reserve(document.size() + json::kScanPadding);
  const auto scan = json::Scan::object(document);
  const auto text = scan.ok() ? scan.value().text(name) : Result<std::string>(scan.error());
  return text.ok() ? text.value() : std::string();
}

std::string answer_server_request(const Message& request, std::string_view roots) {
  SLUICE_CHECK(request.id.has_value(), "only requests are answered, and a request has an id");
  if (request.method == "ping") {
    return make_result(*request.id, "{}");
  }
  if (request.method == kRootsList) {
    return make_result(*request.id, roots);
  }
  return make_error(
      request.id,
      {.code = kMethodNotFound,
       .message = "there is nobody to ask that; ask in the middle of a request of a client that "
                  "can answer, and of one only, or do without it",
       .data = {}}
  );
}

}  // namespace sluice::mcp
