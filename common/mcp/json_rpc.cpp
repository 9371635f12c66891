#include "common/mcp/json_rpc.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"

#include <limits>

namespace sluice::mcp {
namespace {

constexpr std::size_t kBatchMessagesMax = 1000;

Result<RpcId> parse_id(std::string_view raw) {
  SLUICE_TRY(const json::Value value, json::parse(raw));
  if (const auto* text = value.as_string()) {
    return RpcId(*text);
  }
  if (const auto number = value.as_int()) {
    return RpcId(*number);
  }
  return Error(Code::Invalid, "a JSON-RPC id is a string or an integer; send one of these");
}

bool is_object(std::string_view raw) {
  return !raw.empty() && raw.front() == '{';
}

bool is_array(std::string_view raw) {
  return !raw.empty() && raw.front() == '[';
}

Result<Message> parse_call(const json::Scan& scan, Message message) {
  SLUICE_TRY(message.method, scan.text("method"));
  message.params = scan.raw("params");
  if (!message.params.empty() && !is_object(message.params) && !is_array(message.params)) {
    return Error(Code::Invalid, "JSON-RPC params are an object or an array; send one of these");
  }
  message.kind = message.id ? Message::Kind::Request : Message::Kind::Notification;
  return message;
}

Result<Message> parse_answer(const json::Scan& scan, Message message) {
  const bool has_result = scan.find("result") != nullptr;
  const bool has_error = scan.find("error") != nullptr;
  if (has_result == has_error) {
    return Error(
        Code::Invalid, "a JSON-RPC message has a method, a result or an error; send exactly one"
    );
  }
  if (has_result) {
    if (!message.id) {
      return Error(Code::Invalid, "a JSON-RPC result names the request it answers; send its id");
    }
    message.kind = Message::Kind::Result;
    message.result = scan.raw("result");
    return message;
  }
  message.kind = Message::Kind::Error;
  message.error = scan.raw("error");
  if (!is_object(message.error)) {
    return Error(Code::Invalid, "a JSON-RPC error is an object with code and message; send one");
  }
  return message;
}

std::string envelope_head() {
  return R"({"jsonrpc":"2.0")";
}

}  // namespace

int json_rpc_code(Code code) {
  switch (code) {
    case Code::Invalid:
    case Code::NotFound:
      return kInvalidParams;
    case Code::Unauthenticated:
      return 1401;
    case Code::Denied:
      return 1403;
    case Code::Conflict:
      return 1409;
    case Code::Exhausted:
      return 1429;
    case Code::Unavailable:
      return 1503;
    case Code::Deadline:
      return 1504;
    case Code::Cancelled:
      return 1499;
    case Code::Internal:
      return kInternalError;
  }
  SLUICE_UNREACHABLE("every code is listed");
}

std::string to_json(const RpcId& id) {
  if (const auto* number = std::get_if<std::int64_t>(&id)) {
    return std::to_string(*number);
  }
  std::string out;
  json::append_quoted(out, std::get<std::string>(id));
  return out;
}

RpcError to_rpc_error(const Error& error) {
  return {.code = json_rpc_code(error.code()), .message = error.message(), .data = {}};
}

std::string to_json(const RpcError& error) {
  std::string out = R"({"code":)" + std::to_string(error.code) + R"(,"message":)";
  json::append_quoted(out, error.message);
  if (!error.data.empty()) {
    out += R"(,"data":)" + error.data;
  }
  out += '}';
  return out;
}

Result<RpcError> parse_rpc_error(std::string_view text) {
  std::string document(text);
  document.reserve(document.size() + json::kScanPadding);
  SLUICE_TRY(const json::Scan scan, json::Scan::object(document));
  SLUICE_TRY(const std::int64_t code, scan.integer("code"));
  if (code < std::numeric_limits<int>::min() || code > std::numeric_limits<int>::max()) {
    return Error(
        Code::Invalid, "the code of a JSON-RPC error does not fit 32 bits; send a smaller one"
    );
  }
  RpcError error{
      .code = static_cast<int>(code), .message = {}, .data = std::string(scan.raw("data"))
  };
  if (scan.find("message") != nullptr) {
    SLUICE_TRY(error.message, scan.text("message"));
  }
  return error;
}

Result<Message> parse_message(std::string text) {
  text.reserve(text.size() + json::kScanPadding);
  SLUICE_TRY(const json::Scan scan, json::Scan::object(text));
  const auto version = scan.text("jsonrpc");
  if (!version.ok() || version.value() != "2.0") {
    return Error(Code::Invalid, R"(not a JSON-RPC message; send "jsonrpc": "2.0")");
  }
  Message message;
  const json::Field* id = scan.find("id");
  const bool is_call = scan.find("method") != nullptr;
  const bool null_id = id != nullptr && scan.raw("id") == "null";
  if (id != nullptr &&
      !(null_id && !is_call)) {  // an error about an unreadable request has id null
    SLUICE_TRY(message.id, parse_id(scan.raw("id")));
  }
  return is_call ? parse_call(scan, std::move(message)) : parse_answer(scan, std::move(message));
}

Result<std::vector<Message>> parse_messages(std::string text) {
  std::vector<Message> messages;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '[') {
    SLUICE_TRY(auto message, parse_message(std::move(text)));
    messages.push_back(std::move(message));
    return messages;
  }
  SLUICE_TRY(const json::Value batch, json::parse(text));
  const json::Array& items = *batch.as_array();
  if (items.empty() || items.size() > kBatchMessagesMax) {
    return Error(Code::Invalid, "a JSON-RPC batch holds 1 to 1000 messages; send fewer at a time");
  }
  for (const json::Value& item : items) {
    SLUICE_TRY(auto message, parse_message(json::write(item)));
    messages.push_back(std::move(message));
  }
  return messages;
}

std::string make_request(const RpcId& id, std::string_view method, std::string_view params) {
  std::string out = envelope_head() + R"(,"id":)" + to_json(id) + R"(,"method":)";
  json::append_quoted(out, method);
  if (!params.empty()) {
    out.append(R"(,"params":)").append(params);
  }
  out += '}';
  return out;
}

std::string make_notification(std::string_view method, std::string_view params) {
  std::string out = envelope_head() + R"(,"method":)";
  json::append_quoted(out, method);
  if (!params.empty()) {
    out.append(R"(,"params":)").append(params);
  }
  out += '}';
  return out;
}

std::string make_result(const RpcId& id, std::string_view result) {
  std::string out = envelope_head() + R"(,"id":)" + to_json(id) + R"(,"result":)";
  out.append(result) += '}';
  return out;
}

std::string make_error(const std::optional<RpcId>& id, const RpcError& error) {
  return envelope_head() + R"(,"id":)" + (id ? to_json(*id) : std::string("null")) +
         R"(,"error":)" + to_json(error) + '}';
}

}  // namespace sluice::mcp
