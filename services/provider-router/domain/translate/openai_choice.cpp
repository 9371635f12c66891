#include "services/provider-router/domain/translate/openai_choice.h"

#include "services/provider-router/domain/json_walk.h"
#include "services/provider-router/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::provider_router {
namespace {

std::string text_of_parts(const json::Array& parts, std::string_view wanted_type) {
  std::string text;
  for (const json::Value& part : parts) {
    const std::string type = part.text_or("type", "");
    if (type == "text" && wanted_type == "text") {
      text += part.text_or("text", "");
    }
    if (type != "thinking" || wanted_type != "thinking") {
      continue;
    }
    const json::Value* thinking = part.find("thinking");
    if (thinking == nullptr) {
      continue;
    }
    if (const json::Array* inner = thinking->as_array()) {
      text += text_of_parts(*inner, "text");
    } else if (const std::string* plain = thinking->as_string()) {
      text += *plain;
    }
  }
  return text;
}

void flatten(json::Object& message) {
  json::Value* content = message.find("content");
  if (content == nullptr || !content->is_array()) {
    return;
  }
  const json::Array parts = *content->as_array();
  std::string thinking = text_of_parts(parts, "thinking");
  *content = json::Value(text_of_parts(parts, "text"));
  if (!thinking.empty()) {
    message.set("reasoning_content", std::move(thinking));
  }
}

}  // namespace

void read_tool_calls(std::string_view raw_tool_calls, std::vector<ToolCall>& calls) {
  each_element(raw_tool_calls, [&calls](std::string_view call) {
    const std::string_view function = member(call, "function");
    calls.push_back(
        {text_of(member(call, "id")),
         text_of(member(function, "name")),
         text_of(member(function, "arguments"))}
    );
    return calls.size() < kToolCallsMax;
  });
}

void merge_tool_call_deltas(std::string_view raw_tool_calls, std::vector<ToolCall>& calls) {
  std::int64_t place = 0;
  each_element(raw_tool_calls, [&calls, &place](std::string_view piece) {
    const std::int64_t index = integer_of(member(piece, "index"), place);
    ++place;
    if (index < 0 || index >= static_cast<std::int64_t>(kToolCallsMax)) {
      return true;
    }
    const auto at = static_cast<std::size_t>(index);
    if (calls.size() <= at) {
      calls.resize(at + 1);
    }
    ToolCall& call = calls[at];
    const std::string_view function = member(piece, "function");
    if (call.id.empty()) {
      call.id = text_of(member(piece, "id"));
    }
    if (call.name.empty()) {
      call.name = text_of(member(function, "name"));
    }
    const std::string arguments = text_of(member(function, "arguments"));
    if (call.arguments.size() + arguments.size() <= kToolArgumentsBytesMax) {
      call.arguments += arguments;
    }
    return true;
  });
}

Result<std::string> with_plain_content(std::string_view document, std::string_view holder) {
  SLUICE_TRY(json::Value value, json::parse(document));
  json::Value* choices = value.find("choices");
  if (choices != nullptr && choices->is_array()) {
    for (json::Value& choice : *choices->as_array()) {
      json::Value* message = choice.find(holder);
      if (message != nullptr && message->is_object()) {
        flatten(*message->as_object());
      }
    }
  }
  return json::write(value);
}

}  // namespace sluice::provider_router
