#include "services/ingress/domain/tool_call.h"

#include "services/ingress/domain/query.h"
#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/json/canonical.h"
#include "common/json/parse.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::size_t kDecisionIdBytes = 16;
constexpr std::size_t kMadeIdBytes = 12;

Error wrong(std::string_view member, std::string_view what) {
  std::string message(member);
  return Error(Code::Invalid, message.append(" ").append(what));
}

// The string member, or "" when absent or null.
Result<std::string> optional_text(
    const json::Value& object, std::string_view key, std::string_view shown
) {
  const json::Value* member = object.find(key);
  if (member == nullptr || member->is_null()) {
    return std::string();
  }
  if (member->as_string() == nullptr) {
    return wrong(shown, "is not a string; send a string");
  }
  return *member->as_string();
}

Result<std::string> canonical_arguments(std::string_view text, std::string_view shown) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return std::string("{}");  // what models write for a tool without parameters
  }
  const auto parsed = json::parse(text);
  if (!parsed.ok()) {
    return wrong(shown, "is not valid JSON: " + parsed.error().message());
  }
  if (!parsed.value().is_object()) {
    return wrong(
        shown,
        "is not a JSON object; send the arguments as a string such as "
        "\"{\\\"path\\\":\\\"/tmp\\\"}\""
    );
  }
  return json::canonical(parsed.value());
}

Result<void> check_id(std::string_view id, std::string_view shown) {
  if (id.size() > kToolCallIdBytesMax) {
    return wrong(
        shown,
        "is longer than " + std::to_string(kToolCallIdBytesMax) +
            " bytes; send the id of the suggested call"
    );
  }
  if (std::any_of(id.begin(), id.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20;
      })) {
    return wrong(shown, "has control characters; send the id of the suggested call");
  }
  return {};
}

std::string made_id() {
  return "call_" + to_hex(crypto::random_bytes(kMadeIdBytes));
}

Result<ToolCall> call_of(const json::Value& body, const json::Value& function, CallFormat format) {
  const bool chat = format == CallFormat::Chat;
  const std::string_view id_name = chat ? "id" : "call_id";
  const std::string_view name_name = chat ? "function.name" : "name";
  const std::string_view arguments_name = chat ? "function.arguments" : "arguments";
  ToolCall call;
  SLUICE_TRY(call.id, optional_text(body, id_name, id_name));
  SLUICE_CHECK_OK(check_id(call.id, id_name));
  call.id_given = !call.id.empty();
  if (!call.id_given) {
    call.id = made_id();
  }
  SLUICE_TRY(call.name, optional_text(function, "name", name_name));
  if (call.name.empty()) {
    return wrong(
        name_name, "is missing; send the name of a tool, for example \"filesystem-read_file\""
    );
  }
  SLUICE_TRY(const std::string arguments, optional_text(function, "arguments", arguments_name));
  SLUICE_TRY(call.arguments, canonical_arguments(arguments, arguments_name));
  return call;
}

}  // namespace

Result<CallFormat> call_format_of(std::string_view query) {
  SLUICE_TRY(const auto format, query_text(query, "format"));
  if (!format || *format == "chat") {
    return CallFormat::Chat;
  }
  if (*format == "responses") {
    return CallFormat::Responses;
  }
  return wrong("format", "is not known; send ?format=chat or ?format=responses");
}

Result<ToolCall> ToolCall::parse(std::string_view body, CallFormat format) {
  SLUICE_TRY(
      const json::Value parsed,
      json::parse(body, {.depth_max = kBodyDepthMax, .bytes_max = kBodyBytesMax})
  );
  if (!parsed.is_object()) {
    return wrong("the body", "is not a JSON object; send one tool call");
  }
  if (format == CallFormat::Responses) {
    return call_of(parsed, parsed, format);
  }
  if (const json::Value* type = parsed.find("type"); type != nullptr && !type->is_null()) {
    if (type->as_string() == nullptr || *type->as_string() != "function") {
      return wrong("type", "is not \"function\"; send {\"type\":\"function\",\"function\":{…}}");
    }
  }
  const json::Value* function = parsed.find("function");
  if (function == nullptr || !function->is_object()) {
    return wrong(
        "function",
        "is missing or not an object; send {\"id\":…,\"function\":{\"name\":…,\"arguments\":…}}"
    );
  }
  return call_of(parsed, *function, format);
}

Result<ToolCall> ToolCall::of(std::string name, const json::Value* arguments) {
  if (arguments != nullptr && !arguments->is_object()) {
    return wrong("params.arguments", "is not an object; send the tool's arguments as one");
  }
  ToolCall call;
  call.id = made_id();
  call.name = std::move(name);
  call.arguments = arguments == nullptr ? std::string("{}") : json::canonical(*arguments);
  return call;
}

std::string decision_id_of(
    const Owner& owner, const ChainId& chain, const ToolCall& call, const ToolEntry& tool
) {
  if (tool.effect_class == policy::v1::EFFECT_CLASS_READ) {
    return crypto::random_bytes(kDecisionIdBytes);
  }
  crypto::Sha256 digest;
  digest.field(owner.tenant)
      .field(owner.principal)
      .field(chain.str())
      .field(call.id)
      .field(tool.server_id)
      .field(tool.tool)
      .field(crypto::sha256(call.arguments));
  return digest.finish().substr(0, kDecisionIdBytes);
}

}  // namespace sluice::ingress
