#include "services/provider-router/domain/translate/anthropic_messages.h"

#include "services/provider-router/domain/translate/anthropic_content.h"

#include <utility>

namespace sluice::provider_router {
namespace {

Error invalid(const std::string& where, const std::string& what) {
  return Error(Code::Invalid, where + ": " + what);
}

// Content as Anthropic takes it: a string stays one, parts become blocks, null and absent become no
// blocks.
Result<json::Value> content_of(const json::Value& message, const std::string& where) {
  const json::Value* content = message.find("content");
  if (content == nullptr || content->is_null()) {
    return json::Value(json::Array());
  }
  if (content->is_string()) {
    return *content;
  }
  if (const json::Array* parts = content->as_array()) {
    SLUICE_TRY(json::Array blocks, anthropic_blocks(*parts, where + ".content"));
    return json::Value(std::move(blocks));
  }
  return invalid(
      where + ".content",
      "is a " + std::string(content->type_name()) + "; give a string or a list of parts"
  );
}

// As blocks, for merging; an empty string gives none.
json::Array blocks_of(json::Value content) {
  if (json::Array* blocks = content.as_array()) {
    return std::move(*blocks);
  }
  const std::string* text = content.as_string();
  return text == nullptr || text->empty() ? json::Array() : json::Array{text_block(*text)};
}

bool is_block(const json::Value& block, std::string_view type) {
  return block.text_or("type", "") == type;
}

json::Array results_first(json::Array blocks) {
  json::Array sorted;
  for (const bool results : {true, false}) {
    for (json::Value& block : blocks) {
      if (!block.is_null() && is_block(block, "tool_result") == results) {
        sorted.push_back(std::exchange(block, json::Value()));
      }
    }
  }
  return sorted;
}

// The turns so far; the last one may still grow.
class Turns {
 public:
  void add(std::string_view role, json::Value content) {
    if (content.is_array() && content.as_array()->empty()) {
      return;  // nothing to say: Anthropic refuses such a turn
    }
    if (role_ != role) {
      flush();
      role_ = role;
      content_ = std::move(content);
      return;
    }
    json::Array blocks = blocks_of(std::move(content_));
    for (json::Value& block : blocks_of(std::move(content))) {
      blocks.push_back(std::move(block));
    }
    content_ = json::Value(std::move(blocks));
  }

  [[nodiscard]] json::Array take() {
    flush();
    return std::move(done_);
  }

 private:
  void flush() {
    if (role_.empty()) {
      return;
    }
    if (json::Array* blocks = content_.as_array()) {
      *blocks = results_first(std::move(*blocks));
    }
    done_.push_back(json::object({{"role", role_}, {"content", std::move(content_)}}));
    role_.clear();
  }

  std::string role_;
  json::Value content_;
  json::Array done_;
};

Result<json::Value> assistant_content(
    const json::Value& message, const std::string& where, AnthropicMessages& result
) {
  SLUICE_TRY(json::Value content, content_of(message, where));
  const json::Value* calls = message.find("tool_calls");
  const bool calls_tools = calls != nullptr && calls->is_array() && !calls->as_array()->empty();
  json::Array blocks = thinking_blocks(message);
  result.last_tool_turn_unsigned = calls_tools && blocks.empty();
  if (!calls_tools && blocks.empty()) {
    const std::string* text = content.as_string();
    return text != nullptr && text->empty() ? json::Value(json::Array()) : std::move(content);
  }
  for (json::Value& block : blocks_of(std::move(content))) {
    blocks.push_back(std::move(block));
  }
  for (std::size_t i = 0; calls_tools && i < calls->as_array()->size(); ++i) {
    SLUICE_TRY(
        json::Value block,
        tool_use_block((*calls->as_array())[i], where + ".tool_calls[" + std::to_string(i) + "]")
    );
    blocks.push_back(std::move(block));
  }
  return json::Value(std::move(blocks));
}

Result<json::Value> tool_result(const json::Value& message, const std::string& where) {
  const std::string id = message.text_or("tool_call_id", "");
  if (id.empty()) {
    return invalid(where, "a tool message needs \"tool_call_id\"");
  }
  SLUICE_TRY(json::Value content, content_of(message, where));
  json::Value block =
      json::object({{"type", "tool_result"}, {"tool_use_id", id}, {"content", std::move(content)}});
  if (const json::Value* failed = message.find("is_error");
      failed != nullptr && failed->as_bool().value_or(false)) {
    block.as_object()->set("is_error", true);
  }
  copy_cache_control(message, block);
  return json::Value(json::Array{std::move(block)});
}

// One system message with a plain string stays a string; anything else becomes text blocks in
// order.
json::Value system_of(std::vector<json::Value> contents) {
  if (contents.empty()) {
    return {};
  }
  if (contents.size() == 1 && contents.front().is_string()) {
    return contents.front().as_string()->empty() ? json::Value() : std::move(contents.front());
  }
  json::Array blocks;
  for (json::Value& content : contents) {
    for (json::Value& block : blocks_of(std::move(content))) {
      blocks.push_back(std::move(block));
    }
  }
  return blocks.empty() ? json::Value() : json::Value(std::move(blocks));
}

}  // namespace

Result<AnthropicMessages> anthropic_messages(const json::Value& messages) {
  const json::Array* list = messages.as_array();
  if (list == nullptr || list->empty()) {
    return Error(Code::Invalid, "\"messages\" is missing or empty; send at least one user message");
  }
  AnthropicMessages result;
  std::vector<json::Value> system;
  Turns turns;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::Value& message = (*list)[i];
    const std::string where = "messages[" + std::to_string(i) + "]";
    const std::string role = message.text_or("role", "");
    if (role == "system" || role == "developer") {
      SLUICE_TRY(json::Value content, content_of(message, where));
      system.push_back(std::move(content));
    } else if (role == "user") {
      SLUICE_TRY(json::Value content, content_of(message, where));
      turns.add("user", std::move(content));
    } else if (role == "assistant") {
      SLUICE_TRY(json::Value content, assistant_content(message, where, result));
      turns.add("assistant", std::move(content));
    } else if (role == "tool") {
      SLUICE_TRY(json::Value content, tool_result(message, where));
      turns.add("user", std::move(content));
    } else {
      return invalid(
          where,
          "role \"" + role.substr(0, 40) +
              "\" is unknown; use system, developer, user, assistant or tool"
      );
    }
  }
  result.system = system_of(std::move(system));
  json::Array done = turns.take();
  if (done.empty()) {
    return Error(
        Code::Invalid,
        "\"messages\" holds no turn of user or assistant; send at least one user message"
    );
  }
  result.messages = json::Value(std::move(done));
  return result;
}

}  // namespace sluice::provider_router
