// Results and errors as an MCP client gets them, in both eras. Pure.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/execution_end.h"
#include "services/ingress/domain/mcp_request.h"

#include "common/json/value.h"
#include "common/mcp/json_rpc.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::ingress {

// What a request came to: raw JSON of the result member, or an error.
using RpcEnd = std::variant<std::string, mcp::RpcError>;

// Result of initialize. instructions: how to use the servers; may be empty.
[[nodiscard]] std::string initialize_result(
    std::string_view version, std::string_view instructions
);
// Result of server/discover.
[[nodiscard]] std::string discover_result(std::string_view instructions);
// Whether it is tools/list, resources/list, resources/templates/list or prompts/list.
[[nodiscard]] bool is_list(std::string_view method);
// Their result: one page, the same bytes for the same snapshot.
[[nodiscard]] std::string list_result(
    const CatalogSnapshot& snapshot, std::string_view method, McpEra era
);

// A tool result that says this to the model.
[[nodiscard]] std::string text_result(std::string_view text, bool is_error);

// What the execution of a tool came to. A refusal of policy and a call that was not or may not have
// been carried out are results with isError, so that the model learns of them; an unknown tool is
// -32602.
[[nodiscard]] RpcEnd rpc_end_of(const ExecutionEnd& end);

// A result of a server as the modern era wants it: resultType added where it is missing, serverInfo
// in _meta is the gateway's, how long it may be cached is added where it is missing. Errors:
// Unavailable (the server's result is no object).
enum class Caching : std::uint8_t { No, Yes };
[[nodiscard]] Result<std::string> modern_result(std::string result, Caching caching);

// The whole message. Modern: the HTTP status that goes with it; legacy: 200.
[[nodiscard]] http::HttpResponse rpc_response(const mcp::RpcId& id, const RpcEnd& end, McpEra era);
[[nodiscard]] http::HttpResponse refusal_response(
    const std::optional<mcp::RpcId>& id, const McpRefusal& refusal
);

// What a client wants to be told of.
struct ChangeKinds {
  bool tools = false;
  bool resources = false;
  bool prompts = false;
};

inline constexpr ChangeKinds kEveryKind{.tools = true, .resources = true, .prompts = true};

// The message that tells of a change of each kind; "": not to be told.
struct ChangeMessages {
  std::string tools;
  std::string resources;
  std::string prompts;
};

// subscription: id of the subscriptions/listen they belong to; none in the legacy era.
[[nodiscard]] ChangeMessages changes_of(
    const std::optional<mcp::RpcId>& subscription, ChangeKinds kinds
);
// The first message of a subscriptions/listen: what of the filter is honoured. uris: of resources.
[[nodiscard]] std::string subscription_acknowledged(
    const mcp::RpcId& subscription, ChangeKinds kinds, const std::vector<std::string>& uris
);
// Tells that a resource has changed.
[[nodiscard]] std::string resource_updated(
    const std::optional<mcp::RpcId>& subscription, std::string_view uri
);
// Its result, when the gateway ends it.
[[nodiscard]] std::string subscription_result(const mcp::RpcId& subscription);

// A notifications/progress of a server under the client's own token. Errors: Invalid.
[[nodiscard]] Result<std::string> progress_for(std::string_view notification, json::Value token);

}  // namespace sluice::ingress
