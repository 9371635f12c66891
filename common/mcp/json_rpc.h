// JSON-RPC 2.0 as MCP uses it: messages as raw members, so that params and results keep the bytes
// the peer sent. Used by ingress (server side) and mcp-connector (client side). No transport here;
// stdio lines: line_splitter.h.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::mcp {

// Codes that JSON-RPC 2.0 assigns.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;

// Codes that MCP assigns. Source: MCP specification 2026-07-28 (-3202x) and 2025-11-25 (the other
// two, legacy era only).
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingClientCapability = -32021;
inline constexpr int kUnsupportedProtocolVersion = -32022;
inline constexpr int kLegacyResourceNotFound = -32002;
inline constexpr int kLegacyUrlElicitationRequired = -32042;

// The code an Error leaves with. Own codes lie outside -32768 … -32000, as MCP asks.
[[nodiscard]] int json_rpc_code(Code code);

// A request id: an integer or a string, never null; 1 and "1" are two ids.
using RpcId = std::variant<std::int64_t, std::string>;

[[nodiscard]] std::string to_json(const RpcId& id);

struct RpcError {
  int code = kInternalError;
  std::string message;
  std::string data;  // raw JSON; empty when absent
};

// The safe message of the error under its JSON-RPC code.
[[nodiscard]] RpcError to_rpc_error(const Error& error);
// {"code":…,"message":…[,"data":…]}
[[nodiscard]] std::string to_json(const RpcError& error);
// Reads an error member. Errors: Invalid.
[[nodiscard]] Result<RpcError> parse_rpc_error(std::string_view text);

struct Message {
  enum class Kind { Request, Notification, Result, Error };

  Kind kind = Kind::Notification;
  std::optional<RpcId> id;  // absent in notifications, and in errors about unreadable requests
  std::string method;       // requests and notifications
  std::string params;       // raw JSON object or array; empty when absent
  std::string result;       // raw JSON
  std::string error;        // raw JSON object
};

// One message. Errors: Invalid (not JSON, not a JSON-RPC 2.0 message, id null or fractional).
[[nodiscard]] Result<Message> parse_message(std::string text);
// One message, or the messages of a batch (protocol 2025-03-26), at most 1,000.
[[nodiscard]] Result<std::vector<Message>> parse_messages(std::string text);

// params, result: raw JSON, put in as they are; empty params are left out.
[[nodiscard]] std::string make_request(
    const RpcId& id, std::string_view method, std::string_view params
);
[[nodiscard]] std::string make_notification(std::string_view method, std::string_view params);
[[nodiscard]] std::string make_result(const RpcId& id, std::string_view result);
// id absent: null, for a request that could not be read.
[[nodiscard]] std::string make_error(const std::optional<RpcId>& id, const RpcError& error);

}  // namespace sluice::mcp
