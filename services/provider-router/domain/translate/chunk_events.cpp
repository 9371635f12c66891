#include "services/provider-router/domain/translate/chunk_events.h"

#include "common/json/write.h"

namespace sluice::provider_router {

ChunkEvents::ChunkEvents(
    std::string_view id, std::string_view model, std::int64_t created_unix_s, bool usage_asked
)
    : usage_asked_(usage_asked) {
  head_ = "data: {\"id\":";
  json::append_quoted(head_, id);
  head_ += ",\"object\":\"chat.completion.chunk\",\"created\":" + std::to_string(created_unix_s) +
           ",\"model\":";
  json::append_quoted(head_, model);
  head_ += ",\"choices\":[";
}

void ChunkEvents::append(std::string& out, std::string_view delta, std::string_view finish) const {
  out += head_;
  out += "{\"index\":0,\"delta\":";
  out += delta;
  out += ",\"logprobs\":null,\"finish_reason\":";
  out += finish;
  out += usage_asked_ ? "}],\"usage\":null}\n\n" : "}]}\n\n";
}

void ChunkEvents::append_delta(std::string& out, std::string_view delta) const {
  append(out, delta, "null");
}

void ChunkEvents::append_content(std::string& out, std::string_view text) const {
  std::string delta = "{\"content\":";
  json::append_quoted(delta, text);
  append(out, delta + "}", "null");
}

void ChunkEvents::append_tool_call(
    std::string& out, std::size_t index, std::string_view id, std::string_view name
) const {
  std::string delta = "{\"tool_calls\":[{\"index\":" + std::to_string(index) + ",\"id\":";
  json::append_quoted(delta, id);
  delta += ",\"type\":\"function\",\"function\":{\"name\":";
  json::append_quoted(delta, name);
  append(out, delta + ",\"arguments\":\"\"}}]}", "null");
}

void ChunkEvents::append_tool_arguments(std::string& out, std::size_t index, std::string_view piece)
    const {
  std::string delta =
      "{\"tool_calls\":[{\"index\":" + std::to_string(index) + ",\"function\":{\"arguments\":";
  json::append_quoted(delta, piece);
  append(out, delta + "}}]}", "null");
}

void ChunkEvents::append_finish(std::string& out, std::string_view finish_reason) const {
  std::string quoted;
  json::append_quoted(quoted, finish_reason);
  append(out, "{}", quoted);
}

void ChunkEvents::append_usage(std::string& out, const Usage& usage) const {
  if (usage_asked_) {
    out += head_ + "],\"usage\":" + usage_json(usage) + "}\n\n";
  }
}

}  // namespace sluice::provider_router
