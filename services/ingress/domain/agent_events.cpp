#include "services/ingress/domain/agent_events.h"

#include "common/http/sse.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::array<std::string_view, 5> kHeadMembers{
    "id", "object", "created", "model", "system_fingerprint"
};
// Texts that say what something is; in streams that repeat them they do not grow.
constexpr std::array<std::string_view, 5> kNames{"id", "type", "name", "role", "format"};

bool is_name(std::string_view key) {
  return std::find(kNames.begin(), kNames.end(), key) != kNames.end();
}

bool is_present(const json::Value* value) {
  return value != nullptr && !value->is_null();
}

json::Value* item_with_index(json::Array& items, const json::Value& index) {
  const auto place = std::find_if(items.begin(), items.end(), [&index](const json::Value& item) {
    const json::Value* own = item.find("index");
    return own != nullptr && *own == index;
  });
  return place == items.end() ? nullptr : &*place;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as JSON may be
void merge_items(json::Array& into, const json::Array& more) {
  for (const json::Value& item : more) {
    const json::Value* index = item.find("index");
    json::Value* known = index == nullptr ? nullptr : item_with_index(into, *index);
    if (known == nullptr) {
      into.push_back(item);
    } else {
      merge_delta(*known, item);
    }
  }
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as JSON may be
void merge_member(json::Object& into, const std::string& key, const json::Value& value) {
  json::Value* known = into.find(key);
  if (known == nullptr || known->is_null()) {
    into.set(key, value);
  } else if (known->is_string() && value.is_string()) {
    const std::string& text = *value.as_string();
    if (!is_name(key)) {
      *known = *known->as_string() + text;
    } else if (!text.empty()) {
      *known = text;
    }
  } else if (known->as_array() != nullptr && value.as_array() != nullptr) {
    merge_items(*known->as_array(), *value.as_array());
  } else if (known->is_object() && value.is_object()) {
    merge_delta(*known, value);
  } else if (!value.is_null()) {
    *known = value;
  }
}

void erase_indexes(json::Value& message) {
  json::Value* calls = message.find("tool_calls");
  if (calls == nullptr || calls->as_array() == nullptr) {
    return;
  }
  for (json::Value& call : *calls->as_array()) {
    if (call.as_object() != nullptr) {
      call.as_object()->erase("index");
    }
  }
}

json::Value message_of(json::Value merged) {
  if (!merged.is_object()) {
    merged = json::object({});
  }
  erase_indexes(merged);
  json::Object& members = *merged.as_object();
  members.set("role", "assistant");
  if (!members.contains("content")) {
    members.set("content", nullptr);
  }
  if (members.contains("tool_calls") && merged.text_or("content", "x").empty()) {
    members.set("content", nullptr);
  }
  return merged;
}

json::Value choice_of(json::Value delta, json::Value finish_reason) {
  return json::object({
      {"index", 0},
      {"delta", std::move(delta)},
      {"logprobs", nullptr},
      {"finish_reason", std::move(finish_reason)},
  });
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): as deep as JSON may be
void merge_delta(json::Value& into, const json::Value& delta) {
  if (delta.as_object() == nullptr) {
    return;
  }
  if (into.as_object() == nullptr) {
    into = delta;
    return;
  }
  for (const auto& [key, value] : delta.as_object()->members()) {
    merge_member(*into.as_object(), key, value);
  }
}

Result<std::string> AgentEvents::take(std::string_view events) {
  http::SseParser parser;
  SLUICE_TRY(const auto parsed, parser.feed(events));
  std::string out;
  for (const http::SseEvent& one : parsed) {
    auto chunk = json::parse(one.data);
    if (!chunk.ok() || !chunk.value().is_object()) {
      return Error(
          Code::Unavailable, "the provider's stream holds an event that is no JSON object"
      );
    }
    take_event(one.data, std::move(chunk).value(), out);
  }
  return out;
}

void AgentEvents::take_event(std::string_view data, json::Value chunk, std::string& out) {
  json::Object& members = *chunk.as_object();
  if (head_.empty()) {
    for (const std::string_view name : kHeadMembers) {
      if (const json::Value* value = members.find(name); value != nullptr) {
        head_.set(name, *value);
      }
    }
  }
  json::Value* choices = members.find("choices");
  json::Array* items = choices == nullptr ? nullptr : choices->as_array();
  if (json::Value* usage = members.find("usage"); is_present(usage)) {
    step_.usage = *usage;
    *usage = nullptr;
    if (items == nullptr || items->empty()) {
      usage_asked_ = true;
      return;
    }
  }
  if (items == nullptr || items->empty()) {
    out.append(http::format_sse(data));  // what a provider says of the request itself
    return;
  }
  if (!take_choice(items->front())) {
    return;
  }
  if (const json::Value* id = head_.find("id"); id != nullptr) {
    members.set("id", *id);
  }
  out.append(http::format_sse(json::write(chunk)));
}

// Whether something of it is left for the client.
bool AgentEvents::take_choice(json::Value& choice) {
  if (json::Value* reason = choice.find("finish_reason"); is_present(reason)) {
    step_.finish_reason = choice.text_or("finish_reason", "");
    *reason = nullptr;
  }
  json::Value* delta = choice.find("delta");
  json::Object* members = delta == nullptr ? nullptr : delta->as_object();
  if (members == nullptr) {
    return false;
  }
  merge_delta(step_.message, *delta);
  const bool first = !role_sent_ && members->contains("role");
  role_sent_ = role_sent_ || first;
  members->erase("tool_calls");
  if (first) {
    return true;
  }
  members->erase("role");
  return std::any_of(members->members().begin(), members->members().end(), [](const auto& member) {
    const std::string* text = member.second.as_string();
    return !member.second.is_null() && (text == nullptr || !text->empty());
  });
}

AgentEvents::Step AgentEvents::end_step() {
  Step ended = std::exchange(step_, {});
  ended.message = message_of(std::move(ended.message));
  return ended;
}

std::string AgentEvents::event(json::Array choices) const {
  json::Object chunk = head_;
  chunk.set("object", "chat.completion.chunk");
  chunk.set("choices", std::move(choices));
  return json::write(json::Value(std::move(chunk)));
}

std::string AgentEvents::end(
    const json::Array& waiting,
    const std::string& finish_reason,
    std::string_view own_object,
    const json::Value& usage
) const {
  std::string out;
  if (!role_sent_) {
    json::Value role = json::object({{"role", "assistant"}, {"content", ""}});
    out.append(http::format_sse(event({choice_of(std::move(role), nullptr)})));
  }
  std::int64_t index = 0;
  for (const json::Value& call : waiting) {
    json::Value item = json::object({{"index", index++}});
    merge_delta(item, call);
    json::Value delta = json::object({{"tool_calls", json::Array{std::move(item)}}});
    out.append(http::format_sse(event({choice_of(std::move(delta), nullptr)})));
  }
  out.append(http::format_sse(event({choice_of(json::object({}), finish_reason)})));
  std::string own = event({});
  own.pop_back();  // the closing brace
  own.append(R"(,"sluice":)").append(own_object).append("}");
  out.append(http::format_sse(own));
  if (usage_asked_) {
    std::string sum = event({});
    sum.pop_back();
    sum.append(R"(,"usage":)").append(json::write(usage)).append("}");
    out.append(http::format_sse(sum));
  }
  return out;
}

}  // namespace sluice::ingress
