#include "tests/contract/recordings_compare.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <set>

namespace sluice::contract {
namespace {

void find_differences(
    const json::Value& wanted,
    const json::Value& got,
    const std::string& at,
    std::vector<std::string>& out
) {
  if (wanted.is_object() && got.is_object()) {
    std::set<std::string> keys;
    for (const auto& [key, value] : wanted.as_object()->members()) {
      keys.insert(key);
    }
    for (const auto& [key, value] : got.as_object()->members()) {
      keys.insert(key);
    }
    for (const std::string& key : keys) {
      const json::Value* left = wanted.find(key);
      const json::Value* right = got.find(key);
      if (left == nullptr || right == nullptr) {
        out.push_back(at + "/" + key);
      } else {
        find_differences(*left, *right, at + "/" + key, out);
      }
    }
    return;
  }
  if (wanted.is_array() && got.is_array() && wanted.as_array()->size() == got.as_array()->size()) {
    for (std::size_t i = 0; i < wanted.as_array()->size(); ++i) {
      find_differences(
          (*wanted.as_array())[i], (*got.as_array())[i], at + "/" + std::to_string(i), out
      );
    }
    return;
  }
  const bool same =
      wanted.is_number() && got.is_number() ? wanted.as_double() == got.as_double() : wanted == got;
  if (!same) {
    out.push_back(at);
  }
}

void require(bool good, const std::string& what, std::vector<std::string>& problems) {
  if (!good) {
    problems.push_back(what);
  }
}

bool is_text(const json::Value* value) {
  return value != nullptr && value->is_string();
}

void check_frame(
    const json::Value& document, std::string_view object, std::vector<std::string>& problems
) {
  require(is_text(document.find("id")), "id is no string", problems);
  require(
      document.text_or("object", "") == object, "object is not " + std::string(object), problems
  );
  require(
      document.find("created") != nullptr && document.find("created")->as_int().has_value(),
      "created is no integer",
      problems
  );
  require(is_text(document.find("model")), "model is no string", problems);
  require(
      document.find("choices") != nullptr && document.find("choices")->is_array(),
      "choices is no list",
      problems
  );
}

void check_usage(const json::Value* usage, std::vector<std::string>& problems) {
  if (usage == nullptr || usage->is_null()) {
    return;
  }
  for (const char* key : {"prompt_tokens", "completion_tokens", "total_tokens"}) {
    require(
        usage->find(key) != nullptr && usage->find(key)->as_int().has_value(),
        std::string("usage.") + key + " is no integer",
        problems
    );
  }
}

void add_text(const json::Value& holder, std::string_view key, std::string& out) {
  if (const json::Value* text = holder.find(key); is_text(text)) {
    out += *text->as_string();
  }
}

// content, reasoning and signatures of a message or delta.
void read_texts(const json::Value& holder, Seen& seen, std::vector<std::string>& problems) {
  const json::Value* content = holder.find("content");
  if (content != nullptr && !content->is_null()) {
    require(content->is_string(), "content is neither string nor null", problems);
    seen.has_content = true;
    add_text(holder, "content", seen.content);
  }
  add_text(holder, "reasoning_content", seen.reasoning);
  const json::Value* details = holder.find("reasoning_details");
  if (details != nullptr && details->is_array()) {
    for (const json::Value& detail : *details->as_array()) {
      seen.is_signed = seen.is_signed || !detail.text_or("signature", "").empty();
    }
  }
}

void read_calls(const json::Value& message, Seen& seen, std::vector<std::string>& problems) {
  const json::Value* calls = message.find("tool_calls");
  if (calls == nullptr || calls->is_null()) {
    return;
  }
  require(calls->is_array(), "tool_calls is no list", problems);
  for (const json::Value& call : calls->is_array() ? *calls->as_array() : json::Array()) {
    const json::Value* function = call.find("function");
    require(
        is_text(call.find("id")) && call.text_or("type", "") == "function" && function != nullptr,
        "a tool call lacks id, type or function",
        problems
    );
    if (function != nullptr) {
      require(is_text(function->find("arguments")), "arguments is no string", problems);
      seen.calls.push_back(
          {call.text_or("id", ""), function->text_or("name", ""), function->text_or("arguments", "")
          }
      );
    }
  }
}

void merge_calls(const json::Value& delta, Seen& seen, std::vector<std::string>& problems) {
  const json::Value* calls = delta.find("tool_calls");
  if (calls == nullptr || !calls->is_array()) {
    return;
  }
  for (const json::Value& piece : *calls->as_array()) {
    const json::Value* index = piece.find("index");
    require(
        index != nullptr && index->as_int().has_value(), "a tool call piece has no index", problems
    );
    const auto at = static_cast<std::size_t>(index == nullptr ? 0 : index->as_int().value_or(0));
    if (at > seen.calls.size()) {
      problems.push_back("tool call indices have a gap");
      return;
    }
    if (at == seen.calls.size()) {
      require(
          is_text(piece.find("id")) && piece.text_or("type", "") == "function",
          "the first piece of a tool call lacks id or type",
          problems
      );
      seen.calls.emplace_back();
    }
    add_text(piece, "id", seen.calls[at].id);
    if (const json::Value* function = piece.find("function")) {
      add_text(*function, "name", seen.calls[at].name);
      add_text(*function, "arguments", seen.calls[at].arguments);
    }
  }
}

void read_chunk(const json::Value& chunk, Seen& seen, std::vector<std::string>& problems) {
  check_frame(chunk, "chat.completion.chunk", problems);
  const json::Value* usage = chunk.find("usage");
  check_usage(usage, problems);
  if (usage != nullptr && !usage->is_null()) {
    seen.usage = *usage;
  }
  const json::Value* choices = chunk.find("choices");
  for (const json::Value& choice :
       choices != nullptr && choices->is_array() ? *choices->as_array() : json::Array()) {
    const json::Value* index = choice.find("index");
    const json::Value* delta = choice.find("delta");
    require(index != nullptr && index->as_int().has_value(), "a choice has no index", problems);
    require(delta != nullptr && delta->is_object(), "a choice has no delta", problems);
    if (index == nullptr || delta == nullptr || index->as_int() != 0) {
      continue;
    }
    seen.choices = 1;
    read_texts(*delta, seen, problems);
    merge_calls(*delta, seen, problems);
    const std::string finish = choice.text_or("finish_reason", "");
    seen.finish_reason = finish.empty() ? seen.finish_reason : finish;
  }
}

// Expected text: a string, null (nothing said), or {starts, ends}.
void compare_text(
    const json::Value* wanted,
    const std::string& got,
    const std::string& name,
    std::vector<std::string>& problems
) {
  if (wanted == nullptr) {
    return;
  }
  if (wanted->is_null()) {
    require(got.empty(), name + " should be empty", problems);
  } else if (wanted->is_string()) {
    require(got == *wanted->as_string(), name + " is \"" + got + "\"", problems);
  } else {
    require(
        got.starts_with(wanted->text_or("starts", "")) &&
            got.ends_with(wanted->text_or("ends", "")),
        name + " is \"" + got + "\"",
        problems
    );
  }
}

void compare_calls(
    const json::Value* wanted, const Seen& seen, std::vector<std::string>& problems
) {
  const json::Array none;
  const json::Array& calls = wanted == nullptr ? none : *wanted->as_array();
  require(
      calls.size() == seen.calls.size(), std::to_string(seen.calls.size()) + " tool calls", problems
  );
  for (std::size_t i = 0; i < std::min(calls.size(), seen.calls.size()); ++i) {
    const auto arguments = json::parse(seen.calls[i].arguments);
    require(
        seen.calls[i].name == calls[i].text_or("name", ""),
        "tool is " + seen.calls[i].name,
        problems
    );
    require(!seen.calls[i].id.empty(), "a tool call has no id", problems);
    require(
        arguments.ok() && differences(*calls[i].find("arguments"), arguments.value()).empty(),
        "arguments are " + seen.calls[i].arguments,
        problems
    );
  }
}

}  // namespace

std::vector<std::string> differences(const json::Value& wanted, const json::Value& got) {
  std::vector<std::string> out;
  find_differences(wanted, got, "", out);
  return out;
}

Seen read_completion(const std::string& body, std::vector<std::string>& problems) {
  Seen seen;
  const auto parsed = json::parse(body);
  if (!parsed.ok()) {
    problems.push_back("the answer is no JSON: " + parsed.error().message());
    return seen;
  }
  const json::Value& document = parsed.value();
  check_frame(document, "chat.completion", problems);
  check_usage(document.find("usage"), problems);
  if (const json::Value* usage = document.find("usage")) {
    seen.usage = *usage;
  }
  const json::Value* choices = document.find("choices");
  if (choices == nullptr || !choices->is_array() || choices->as_array()->empty()) {
    problems.emplace_back("there is no choice");
    return seen;
  }
  seen.choices = choices->as_array()->size();
  const json::Value& first = choices->as_array()->front();
  const json::Value* message = first.find("message");
  require(first.find("index") != nullptr, "a choice has no index", problems);
  require(is_text(first.find("finish_reason")), "finish_reason is no string", problems);
  require(
      message != nullptr && message->text_or("role", "") == "assistant",
      "a choice has no assistant message",
      problems
  );
  seen.finish_reason = first.text_or("finish_reason", "");
  if (message != nullptr) {
    read_texts(*message, seen, problems);
    read_calls(*message, seen, problems);
  }
  return seen;
}

Seen read_chunks(const std::string& events, std::vector<std::string>& problems) {
  Seen seen;
  for (std::size_t at = 0; at < events.size();) {
    const std::size_t end = events.find("\n\n", at);
    const std::string_view line = std::string_view(events).substr(at, end - at);
    if (end == std::string::npos || !line.starts_with("data: ") ||
        line.find('\n') != std::string_view::npos) {
      problems.emplace_back("an event is not of the form \"data: …\\n\\n\"");
      return seen;
    }
    const auto chunk = json::parse(line.substr(6));
    if (!chunk.ok()) {
      problems.push_back("an event is no JSON: " + chunk.error().message());
      return seen;
    }
    read_chunk(chunk.value(), seen, problems);
    at = end + 2;
  }
  return seen;
}

void compare(const json::Value& expect, const Seen& seen, std::vector<std::string>& problems) {
  compare_text(expect.find("content"), seen.content, "content", problems);
  compare_text(expect.find("reasoning"), seen.reasoning, "reasoning", problems);
  if (expect.find("error_kind") == nullptr) {
    compare_calls(expect.find("tool_calls"), seen, problems);
    require(
        seen.finish_reason == expect.text_or("finish_reason", ""),
        "finish_reason is " + seen.finish_reason,
        problems
    );
  }
  if (expect.find("signed") != nullptr) {
    require(seen.is_signed, "no signature came through", problems);
  }
  if (const json::Value* choices = expect.find("choices")) {
    require(
        choices->as_int() == static_cast<std::int64_t>(seen.choices),
        std::to_string(seen.choices) + " choices",
        problems
    );
  }
}

}  // namespace sluice::contract
