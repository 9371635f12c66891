#include "services/provider-router/domain/translate/anthropic_answer.h"

#include "services/provider-router/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <array>

namespace sluice::provider_router {
namespace {

constexpr std::string_view kFormat = "anthropic-claude-v1";

// The parts of the one choice.
struct Parts {
  std::string text;
  bool has_text = false;
  std::string thinking;
  std::string details;  // elements of reasoning_details
  std::string calls;    // elements of tool_calls
};

void append_element(std::string& list, std::string_view element) {
  if (!list.empty()) {
    list += ",";
  }
  list += element;
}

void read_block(const json::Value& block, std::size_t index, Parts& parts, AnswerFacts& facts) {
  const std::string type = block.text_or("type", "");
  if (type == "text") {
    parts.has_text = true;
    parts.text += block.text_or("text", "");
  } else if (type == "thinking") {
    const std::string text = block.text_or("thinking", "");
    parts.thinking += text;
    append_element(
        parts.details, reasoning_text_detail(text, block.text_or("signature", ""), index)
    );
  } else if (type == "redacted_thinking") {
    append_element(parts.details, reasoning_encrypted_detail(block.text_or("data", ""), index));
  } else if (type == "tool_use" && facts.tool_calls.size() < kToolCallsMax) {
    const json::Value* input = block.find("input");
    const bool usable = input != nullptr && input->is_object();
    ToolCall call{
        block.text_or("id", ""),
        block.text_or("name", ""),
        usable ? json::write(*input) : std::string("{}")
    };
    std::string element = "{\"id\":";
    json::append_quoted(element, call.id);
    element += ",\"type\":\"function\",\"function\":{\"name\":";
    json::append_quoted(element, call.name);
    element += ",\"arguments\":";
    json::append_quoted(element, call.arguments);
    element += "}}";
    append_element(parts.calls, element);
    facts.tool_calls.push_back(std::move(call));
  }
}

std::string message_json(const Parts& parts) {
  std::string out = "{\"role\":\"assistant\",\"content\":";
  if (parts.has_text) {
    json::append_quoted(out, parts.text);
  } else {
    out += "null";
  }
  out += ",\"refusal\":null";
  if (!parts.thinking.empty()) {
    out += ",\"reasoning_content\":";
    json::append_quoted(out, parts.thinking);
  }
  if (!parts.details.empty()) {
    out += ",\"reasoning_details\":[" + parts.details + "]";
  }
  if (!parts.calls.empty()) {
    out += ",\"tool_calls\":[" + parts.calls + "]";
  }
  return out + "}";
}

}  // namespace

std::string_view finish_reason_of(std::string_view stop_reason) {
  if (stop_reason == "tool_use") {
    return "tool_calls";
  }
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") {
    return "length";
  }
  if (stop_reason == "refusal") {
    return "content_filter";
  }
  return "stop";  // end_turn, stop_sequence, pause_turn
}

std::string reasoning_text_detail(
    std::string_view text, std::string_view signature, std::size_t index
) {
  std::string out = "{\"type\":\"reasoning.text\",\"text\":";
  json::append_quoted(out, text);
  if (!signature.empty()) {
    out += ",\"signature\":";
    json::append_quoted(out, signature);
  }
  return out + ",\"format\":\"" + std::string(kFormat) + "\",\"index\":" + std::to_string(index) +
         "}";
}

std::string reasoning_encrypted_detail(std::string_view data, std::size_t index) {
  std::string out = "{\"type\":\"reasoning.encrypted\",\"data\":";
  json::append_quoted(out, data);
  return out + ",\"format\":\"" + std::string(kFormat) + "\",\"index\":" + std::to_string(index) +
         "}";
}

AnswerOrFailure anthropic_answer(std::string_view body, const AnswerSource& source) {
  const auto parsed = json::parse(body);
  if (!parsed.ok() || !parsed.value().is_object()) {
    return broken_answer(source.provider, "its answer was no JSON object");
  }
  const json::Value& message = parsed.value();
  if (message.text_or("type", "") == "error") {
    return failure_of_event(source.provider, body);
  }
  const json::Value* content = message.find("content");
  if (content == nullptr || !content->is_array()) {
    return broken_answer(source.provider, "its answer had no content");
  }
  Answer answer;
  Parts parts;
  for (std::size_t i = 0; i < content->as_array()->size(); ++i) {
    read_block((*content->as_array())[i], i, parts, answer.facts);
  }
  answer.facts.finish_reason = finish_reason_of(message.text_or("stop_reason", ""));
  AnthropicUsage usage;
  if (const json::Value* counted = message.find("usage")) {
    usage.replace_from(*counted);
  }
  answer.facts.usage = usage.to_usage();

  std::string& out = answer.body;
  out = "{\"id\":";
  json::append_quoted(out, message.text_or("id", source.fallback_id));
  out += ",\"object\":\"chat.completion\",\"created\":" + std::to_string(source.now_unix_s) +
         ",\"model\":";
  json::append_quoted(out, message.text_or("model", source.model));
  out += ",\"choices\":[{\"index\":0,\"message\":" + message_json(parts) +
         ",\"logprobs\":null,\"finish_reason\":\"" + answer.facts.finish_reason +
         "\"}],\"usage\":" + usage_json(answer.facts.usage) + "}";
  return answer;
}

}  // namespace sluice::provider_router
