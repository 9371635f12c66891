// The MCP messages the gateway reads or makes itself. Everything else passes as raw bytes
// (json_rpc.h). Source: MCP specification 2025-11-25, and 2024-11-05 … 2025-06-18 where they
// differ.
#pragma once

#include "common/json/value.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/protocol.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::mcp {

struct Implementation {
  std::string name;
  std::string version;
};

// params of initialize: this legacy version. capabilities: raw JSON object.
[[nodiscard]] std::string initialize_params(
    const Implementation& client, std::string_view version, std::string_view capabilities = "{}"
);

// What a server says it has.
struct ServerCapabilities {
  bool has_tools = false;
  bool has_resources = false;
  bool has_prompts = false;
  bool has_completions = false;
  bool has_subscriptions = false;  // to single resources
  bool has_logging = false;
  bool tools_change = false;  // it tells when its list of them does
  bool resources_change = false;
  bool prompts_change = false;

  friend bool operator==(const ServerCapabilities&, const ServerCapabilities&) = default;
};

// Of a result of initialize or server/discover.
[[nodiscard]] ServerCapabilities capabilities_in(const json::Value& result);

struct InitializeResult {
  std::string protocol_version;
  Implementation server;
  ServerCapabilities capabilities;
  std::string instructions;
};

// Errors: Invalid (no result of initialize, or a version nobody here speaks).
[[nodiscard]] Result<InitializeResult> parse_initialize_result(std::string_view result);

// A list that a server gives in pages.
struct ListMethod {
  std::string_view method;
  std::string_view member;  // of the result: the array of items
  std::string_view key;     // of an item: the text that tells it from the others
};

inline constexpr ListMethod kToolsList{"tools/list", "tools", "name"};
inline constexpr ListMethod kResourcesList{"resources/list", "resources", "uri"};
inline constexpr ListMethod kTemplatesList{
    "resources/templates/list", "resourceTemplates", "uriTemplate"
};
inline constexpr ListMethod kPromptsList{"prompts/list", "prompts", "name"};

// params of a list; cursor as the server gave it, absent for the first page.
[[nodiscard]] std::string list_params(const std::optional<std::string>& cursor);

struct ListPage {
  std::vector<json::Value> items;  // as the server gives them, unknown members included
  std::optional<std::string> next_cursor;
};

// Errors: Invalid (no array of items).
[[nodiscard]] Result<ListPage> parse_list_page(const ListMethod& list, std::string_view result);

// params of tools/call around exactly these argument bytes.
[[nodiscard]] std::string tools_call_params(std::string_view tool, std::string_view arguments);
// The member of _meta that asks for progress; the token is the request's own id.
[[nodiscard]] std::string progress_meta(std::int64_t token);
// params, which hold no _meta, with one of these members; as they are when there is none.
[[nodiscard]] std::string with_meta(std::string_view params, std::string_view members);
// params with these members behind all others; as they are when there is none.
[[nodiscard]] std::string with_members(std::string_view params, std::string_view members);
// Whether a tools/call result says isError. Errors: Invalid (the result is no object).
[[nodiscard]] Result<bool> says_is_error(std::string& result);

[[nodiscard]] std::string cancelled_params(const RpcId& id, std::string_view reason);

// The progressToken of a notifications/progress; nullopt when it has none that is an integer.
[[nodiscard]] std::optional<std::int64_t> progress_token_of(std::string_view params);

// The text member of that name; "" when there is none.
[[nodiscard]] std::string text_in(std::string_view params, std::string_view name);

// The answer to a request of a server where nobody can be asked: ping and roots/list have one,
// everything else is refused with -32601. Never silence. roots: raw JSON result of roots/list.
[[nodiscard]] std::string answer_server_request(
    const Message& request, std::string_view roots = R"({"roots":[]})"
);

}  // namespace sluice::mcp
