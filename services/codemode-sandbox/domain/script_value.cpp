#include "services/codemode-sandbox/domain/script_value.h"

#include "services/codemode-sandbox/domain/runner_bounds.h"
#include "services/codemode-sandbox/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

namespace sluice::codemode_sandbox {
namespace {

// Source: results come in chunks of the bus; mcp-connector lets no larger one through.
constexpr std::size_t kResultBytesMax = std::size_t{64} << 20;

ScriptValue rejected(std::string_view text, std::string_view fallback) {
  const std::string_view kept = clipped(text, kErrorMessageBytesMax);
  return {.json = {}, .error = std::string(kept.empty() ? fallback : kept)};
}

ScriptValue resolved(std::string json) {
  if (json.size() > kValueBytesMax) {
    return rejected(
        "the result of " + std::to_string(json.size()) +
            " bytes is larger than a script can take (4 MiB); ask the tool for less at a time",
        ""
    );
  }
  return {.json = std::move(json), .error = {}};
}

const std::string* text_of(const json::Value& block) {
  if (block.text_or("type", "") != "text") {
    return nullptr;
  }
  const json::Value* text = block.find("text");
  return text != nullptr ? text->as_string() : nullptr;
}

std::string all_texts(const json::Array& blocks) {
  std::string out;
  for (const auto& block : blocks) {
    if (const std::string* text = text_of(block); text != nullptr) {
      out.append(out.empty() ? "" : "\n").append(*text);
    }
  }
  return out;
}

ScriptValue value_of_text(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
    if (json::parse(text, {.depth_max = kValueDepthMax, .bytes_max = kResultBytesMax}).ok()) {
      return resolved(text);
    }
  }
  std::string quoted;
  json::append_quoted(quoted, text);
  return resolved(std::move(quoted));
}

}  // namespace

ScriptValue value_of_result(std::string_view result) {
  const auto parsed =
      json::parse(result, {.depth_max = kValueDepthMax, .bytes_max = kResultBytesMax});
  if (!parsed.ok() || !parsed.value().is_object()) {
    return rejected(
        "the tool's server answered with something that is not a tool result; the call may have "
        "had its effect",
        ""
    );
  }
  const json::Value& object = parsed.value();
  const json::Value* content = object.find("content");
  const json::Array* blocks = content != nullptr ? content->as_array() : nullptr;
  const json::Value* structured = object.find("structuredContent");
  const json::Value* is_error = object.find("isError");
  if (is_error != nullptr && is_error->as_bool().value_or(false)) {
    std::string text = blocks != nullptr ? all_texts(*blocks) : "";
    if (text.empty() && structured != nullptr) {
      text = json::write(*structured);
    }
    return rejected(text, "the tool says that the call failed, and nothing else");
  }
  if (structured != nullptr && structured->is_object()) {
    return resolved(json::write(*structured));
  }
  if (blocks == nullptr || blocks->empty()) {
    return resolved("null");
  }
  const std::string* only = blocks->size() == 1 ? text_of(blocks->front()) : nullptr;
  return only != nullptr ? value_of_text(*only) : resolved(json::write(*content));
}

ScriptValue value_of_error(std::string_view error) {
  constexpr std::string_view kFallback = "the tool's server refused the call";
  const auto parsed =
      json::parse(error, {.depth_max = kValueDepthMax, .bytes_max = kResultBytesMax});
  return rejected(parsed.ok() ? parsed.value().text_or("message", kFallback) : "", kFallback);
}

ScriptValue value_of_record(std::string_view kept) {
  const auto parsed =
      json::parse(kept, {.depth_max = kValueDepthMax, .bytes_max = kResultBytesMax});
  const bool is_rpc_error = parsed.ok() && parsed.value().find("content") == nullptr &&
                            parsed.value().find("structuredContent") == nullptr &&
                            parsed.value().find("code") != nullptr &&
                            parsed.value().find("message") != nullptr;
  return is_rpc_error ? value_of_error(kept) : value_of_result(kept);
}

}  // namespace sluice::codemode_sandbox
