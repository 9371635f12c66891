#include "services/provider-router/domain/translate/anthropic_stream.h"

#include "services/provider-router/domain/translate/anthropic_answer.h"

#include "common/json/parse.h"
#include "common/json/write.h"

namespace sluice::provider_router {
namespace {

std::string delta_of(std::string_view key, std::string_view text) {
  std::string out = "{\"" + std::string(key) + "\":";
  json::append_quoted(out, text);
  return out + "}";
}

std::int64_t index_of(const json::Value& data) {
  const json::Value* index = data.find("index");
  return index == nullptr ? 0 : index->as_int().value_or(0);
}

void append_bounded(std::string& out, const std::string& text, std::size_t bytes_max) {
  if (out.size() + text.size() <= bytes_max) {
    out += text;
  }
}

}  // namespace

AnthropicStream::AnthropicStream(const AnswerSource& source, bool usage_asked)
    : provider_(source.provider),
      model_(source.model),
      id_(source.fallback_id),
      created_unix_s_(source.now_unix_s),
      usage_asked_(usage_asked) {}

std::optional<Failure> AnthropicStream::feed(std::string_view bytes, std::string& out) {
  if (stopped_) {
    return std::nullopt;
  }
  auto events = parser_.feed(bytes);
  if (!events.ok()) {
    return broken_answer(provider_, "an event of its stream was larger than this gateway takes");
  }
  for (const http::SseEvent& event : events.value()) {
    if (auto failure = take(event, out)) {
      return failure;
    }
    if (stopped_) {
      break;
    }
  }
  return std::nullopt;
}

std::optional<Failure> AnthropicStream::take(const http::SseEvent& event, std::string& out) {
  if (event.data.empty() || event.event == "ping") {
    return std::nullopt;
  }
  const auto parsed = json::parse(event.data);
  if (!parsed.ok() || !parsed.value().is_object()) {
    return broken_answer(provider_, "an event of its stream was no JSON object");
  }
  const json::Value& data = parsed.value();
  const std::string type = data.text_or("type", event.event);
  if (type == "error") {
    return failure_of_event(provider_, event.data);
  }
  if (type == "message_start") {
    start_message(data, out);
    return std::nullopt;
  }
  if (type == "ping") {
    return std::nullopt;
  }
  if (!chunks_) {
    return broken_answer(provider_, "its stream did not begin with message_start");
  }
  if (type == "content_block_start") {
    start_block(data, out);
  } else if (type == "content_block_delta") {
    grow_block(data, out);
  } else if (type == "content_block_stop") {
    stop_block(data, out);
  } else if (type == "message_delta") {
    finish_message(data, out);
  } else if (type == "message_stop") {
    stopped_ = true;
    chunks_->append_usage(out, facts_.usage);
  }
  return std::nullopt;  // events of a later version are passed over, as Anthropic asks
}

void AnthropicStream::start_message(const json::Value& data, std::string& out) {
  const json::Value* message = data.find("message");
  const json::Value none;
  const json::Value& start = message == nullptr ? none : *message;
  chunks_.emplace(
      start.text_or("id", id_), start.text_or("model", model_), created_unix_s_, usage_asked_
  );
  if (const json::Value* usage = start.find("usage")) {
    usage_.replace_from(*usage);
    facts_.usage = usage_.to_usage();
  }
  chunks_->append_delta(out, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}");
}

AnthropicStream::Block* AnthropicStream::block_of(const json::Value& data) {
  const auto found = blocks_.find(index_of(data));
  return found == blocks_.end() ? nullptr : &found->second;
}

void AnthropicStream::start_block(const json::Value& data, std::string& out) {
  const json::Value* content = data.find("content_block");
  if (content == nullptr || blocks_.size() >= kToolCallsMax) {
    return;
  }
  Block block;
  block.type = content->text_or("type", "");
  if (block.type == "text") {
    const std::string text = content->text_or("text", "");
    if (!text.empty()) {
      chunks_->append_content(out, text);
    }
  } else if (block.type == "thinking") {
    block.thinking = content->text_or("thinking", "");
    block.signature = content->text_or("signature", "");
    if (!block.thinking.empty()) {
      chunks_->append_delta(out, delta_of("reasoning_content", block.thinking));
    }
  } else if (block.type == "redacted_thinking") {
    const std::string detail = reasoning_encrypted_detail(
        content->text_or("data", ""), static_cast<std::size_t>(index_of(data))
    );
    chunks_->append_delta(out, "{\"reasoning_details\":[" + detail + "]}");
  } else if (block.type == "tool_use" && facts_.tool_calls.size() < kToolCallsMax) {
    const json::Value* input = content->find("input");
    if (input != nullptr && input->is_object() && !input->as_object()->empty()) {
      block.whole_input = json::write(*input);
    }
    block.tool = facts_.tool_calls.size();
    facts_.tool_calls.push_back({content->text_or("id", ""), content->text_or("name", ""), ""});
    const ToolCall& call = facts_.tool_calls.back();
    chunks_->append_tool_call(out, block.tool, call.id, call.name);
  }
  blocks_.insert_or_assign(index_of(data), std::move(block));
}

void AnthropicStream::grow_block(const json::Value& data, std::string& out) {
  Block* block = block_of(data);
  const json::Value* delta = data.find("delta");
  if (block == nullptr || delta == nullptr) {
    return;
  }
  const std::string type = delta->text_or("type", "");
  if (type == "text_delta") {
    chunks_->append_content(out, delta->text_or("text", ""));
  } else if (type == "thinking_delta") {
    const std::string text = delta->text_or("thinking", "");
    append_bounded(block->thinking, text, kThinkingBytesMax);
    chunks_->append_delta(out, delta_of("reasoning_content", text));
  } else if (type == "signature_delta") {
    append_bounded(block->signature, delta->text_or("signature", ""), kThinkingBytesMax);
  } else if (type == "input_json_delta" && block->type == "tool_use") {
    const std::string piece = delta->text_or("partial_json", "");
    if (!piece.empty()) {
      append_bounded(facts_.tool_calls[block->tool].arguments, piece, kToolArgumentsBytesMax);
      chunks_->append_tool_arguments(out, block->tool, piece);
    }
  }
}

void AnthropicStream::stop_block(const json::Value& data, std::string& out) {
  const Block* block = block_of(data);
  if (block == nullptr) {
    return;
  }
  if (block->type == "thinking" && !block->signature.empty()) {
    const std::string detail = reasoning_text_detail(
        block->thinking, block->signature, static_cast<std::size_t>(index_of(data))
    );
    chunks_->append_delta(out, "{\"reasoning_details\":[" + detail + "]}");
  }
  if (block->type == "tool_use" && facts_.tool_calls[block->tool].arguments.empty()) {
    const std::string whole = block->whole_input.empty() ? "{}" : block->whole_input;
    facts_.tool_calls[block->tool].arguments = whole;
    chunks_->append_tool_arguments(out, block->tool, whole);
  }
  blocks_.erase(index_of(data));
}

void AnthropicStream::finish_message(const json::Value& data, std::string& out) {
  if (const json::Value* usage = data.find("usage")) {
    usage_.replace_from(*usage);
    facts_.usage = usage_.to_usage();
  }
  const json::Value* delta = data.find("delta");
  const std::string stop_reason = delta == nullptr ? "" : delta->text_or("stop_reason", "");
  if (!stop_reason.empty()) {
    facts_.finish_reason = finish_reason_of(stop_reason);
    chunks_->append_finish(out, facts_.finish_reason);
  }
}

std::optional<Failure> AnthropicStream::finish(std::string& out) {
  if (!stopped_ && parser_.partial()) {
    if (auto failure = feed("\n\n", out)) {
      return failure;
    }
  }
  if (!stopped_) {
    return broken_answer(provider_, "its stream ended before the answer did");
  }
  return std::nullopt;
}

}  // namespace sluice::provider_router
