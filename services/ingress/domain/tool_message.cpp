#include "services/ingress/domain/tool_message.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <vector>

namespace sluice::ingress {
namespace {

// Source: http answers are buffered whole; results come in chunks of the bus and may be larger than
// one request.
constexpr std::size_t kResultBytesMax = std::size_t{64} << 20;

struct Content {
  std::string json;  // a JSON string, or an array of text parts
  bool is_error = false;
};

Content text_content(std::string_view text, bool is_error) {
  Content content{.json = {}, .is_error = is_error};
  json::append_quoted(content.json, text);
  return content;
}

const std::string* text_of(const json::Value& block) {
  if (block.text_or("type", "") != "text") {
    return nullptr;
  }
  const json::Value* text = block.find("text");
  // Annotations and other members would be lost in plain text.
  return text != nullptr && block.as_object()->size() == 2 ? text->as_string() : nullptr;
}

std::string joined(const std::vector<const std::string*>& texts) {
  std::string out;
  for (const auto* text : texts) {
    if (text != texts.front()) {
      out.push_back('\n');
    }
    out.append(*text);
  }
  return out;
}

// OpenAI's tool messages carry text parts only.
std::string parts_of(const json::Array& blocks) {
  std::string out = "[";
  for (const auto& block : blocks) {
    if (out.size() > 1) {
      out.push_back(',');
    }
    out.append(R"({"type":"text","text":)");
    const std::string* text = text_of(block);
    json::append_quoted(out, text != nullptr ? *text : json::write(block));
    out.push_back('}');
  }
  out.push_back(']');
  return out;
}

Content content_of_blocks(const json::Array& blocks, bool is_error) {
  std::vector<const std::string*> texts;
  for (const auto& block : blocks) {
    const std::string* text = text_of(block);
    if (text == nullptr) {
      return {.json = parts_of(blocks), .is_error = is_error};
    }
    texts.push_back(text);
  }
  return text_content(joined(texts), is_error);
}

Error not_a_result() {
  return Error(
      Code::Unavailable,
      "the tool's server answered with something that is not a tool result; the call may have had "
      "its effect"
  );
}

Result<Content> content_of_result(std::string_view bytes) {
  const auto parsed = json::parse(bytes, {.depth_max = 256, .bytes_max = kResultBytesMax});
  if (!parsed.ok() || !parsed.value().is_object()) {
    return not_a_result();
  }
  const json::Value& result = parsed.value();
  const json::Value* is_error_member = result.find("isError");
  const bool is_error = is_error_member != nullptr && is_error_member->as_bool().value_or(false);
  const json::Value* blocks = result.find("content");
  if (blocks != nullptr && blocks->as_array() != nullptr && !blocks->as_array()->empty()) {
    return content_of_blocks(*blocks->as_array(), is_error);
  }
  if (const json::Value* structured = result.find("structuredContent"); structured != nullptr) {
    return text_content(json::write(*structured), is_error);
  }
  if (blocks == nullptr || blocks->as_array() == nullptr) {
    return not_a_result();
  }
  return text_content("", is_error);
}

Content content_of_error(std::string_view bytes) {
  const auto parsed = json::parse(bytes, {.depth_max = 256, .bytes_max = kResultBytesMax});
  if (!parsed.ok() || !parsed.value().is_object()) {
    return text_content("Error: the tool's server refused the call", true);
  }
  std::string text =
      "Error: " + parsed.value().text_or("message", "the tool's server refused the call");
  if (const json::Value* code = parsed.value().find("code"); code != nullptr && code->is_number()) {
    text.append(" (code ").append(code->as_number()->text).append(")");
  }
  if (const json::Value* data = parsed.value().find("data"); data != nullptr && !data->is_null()) {
    text.append("\n").append(json::write(*data));
  }
  return text_content(text, true);
}

std::string message_of(
    const Content& content, std::string_view call_id, CallFormat format, std::string_view more
) {
  const bool chat = format == CallFormat::Chat;
  std::string out =
      chat ? R"({"role":"tool","content":)" : R"({"type":"function_call_output","call_id":)";
  if (chat) {
    out.append(content.json).append(R"(,"tool_call_id":)");
    json::append_quoted(out, call_id);
  } else {
    json::append_quoted(out, call_id);
    out.append(R"(,"output":)").append(content.json);
  }
  if (content.is_error) {
    out.append(R"(,"is_error":true)");
  }
  out.append(more).append("}");
  return out;
}

}  // namespace

Result<std::string> tool_message(
    const ToolOutcome& outcome, std::string_view call_id, CallFormat format
) {
  if (!outcome.error.empty()) {
    return message_of(content_of_error(outcome.error), call_id, format, "");
  }
  SLUICE_TRY(const Content content, content_of_result(outcome.result));
  return message_of(content, call_id, format, "");
}

std::string text_message(
    std::string_view text, IsError is_error, std::string_view call_id, CallFormat format
) {
  return message_of(text_content(text, is_error == IsError::Yes), call_id, format, "");
}

Result<std::string> recorded_tool_message(
    std::string_view kept, std::string_view call_id, CallFormat format
) {
  if (kept.empty()) {
    const Content content = text_content(
        "This call was carried out earlier; its result is no longer kept. The audit trail has its "
        "digest.",
        false
    );
    return message_of(content, call_id, format, R"(,"body_expired":true)");
  }
  const auto parsed = json::parse(kept, {.depth_max = 256, .bytes_max = kResultBytesMax});
  if (parsed.ok() && parsed.value().find("content") == nullptr &&
      parsed.value().find("structuredContent") == nullptr &&
      parsed.value().find("code") != nullptr && parsed.value().find("message") != nullptr) {
    return message_of(content_of_error(kept), call_id, format, "");
  }
  return tool_message({.result = std::string(kept), .error = {}}, call_id, format);
}

}  // namespace sluice::ingress
