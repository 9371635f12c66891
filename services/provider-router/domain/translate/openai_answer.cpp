#include "services/provider-router/domain/translate/openai_answer.h"

#include "services/provider-router/domain/json_walk.h"
#include "services/provider-router/domain/translate/openai_choice.h"

#include "common/json/scan.h"
#include "common/json/write.h"

#include <array>

namespace sluice::provider_router {
namespace {

// What choice 0 says. True when its content is a list of parts and has to be rewritten.
bool read_first_choice(std::string_view choices, AnswerFacts& facts) {
  bool parts = false;
  each_element(choices, [&](std::string_view choice) {
    each_member(choice, [&](std::string_view key, std::string_view value) {
      if (key == "finish_reason") {
        facts.finish_reason = text_of(value);
      } else if (key == "message") {
        each_member(value, [&](std::string_view name, std::string_view inner) {
          if (name == "tool_calls") {
            read_tool_calls(inner, facts.tool_calls);
          } else if (name == "content") {
            parts = inner.starts_with('[');
          }
          return true;
        });
      }
      return true;
    });
    return false;
  });
  return parts;
}

std::string quoted_json(std::string_view text) {
  std::string out;
  json::append_quoted(out, text);
  return out;
}

// The members OpenAI's clients rely on, where the provider left them out.
std::string missing_members(const json::Scan& scan, const AnswerSource& source) {
  std::string text;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (scan.find(key) == nullptr) {
      text += "\"" + std::string(key) + "\":" + value + ",";
    }
  };
  add("id", quoted_json(source.fallback_id));
  add("object", "\"chat.completion\"");
  add("created", std::to_string(source.now_unix_s));
  add("model", quoted_json(source.model));
  return text;
}

// Keep-alive blank lines some providers send before the object.
void strip_space(std::string& body) {
  const std::size_t begin = skip_space(body, 0);
  if (begin > 0) {
    body.erase(0, begin);
  }
}

}  // namespace

AnswerOrFailure openai_answer(std::string body, const AnswerSource& source) {
  strip_space(body);
  body.reserve(body.size() + json::kScanPadding);
  const auto scanned = json::Scan::object(body);
  if (!scanned.ok()) {
    return broken_answer(source.provider, "its answer was no JSON object");
  }
  const json::Scan& scan = scanned.value();
  const std::string_view choices = scan.raw("choices");
  const std::string_view error = scan.raw("error");
  if (!error.empty() && error != "null" && error != "{}") {
    Failure failure = failure_of_event(source.provider, body);
    return failure;
  }
  if (!choices.starts_with('[') || choices[skip_space(choices, 1)] == ']') {
    return broken_answer(source.provider, "its answer had no choices");
  }
  Answer answer;
  const bool parts = read_first_choice(choices, answer.facts);
  answer.facts.usage = openai_usage(scan.raw("usage"));
  const std::string missing = missing_members(scan, source);
  if (missing.empty()) {
    answer.body = std::move(body);
  } else {
    const std::size_t first = scan.fields().front().key_begin;
    const std::array splices{json::Splice{first, first, missing}};
    answer.body = json::splice(body, splices);
  }
  if (parts) {
    auto plain = with_plain_content(answer.body, "message");
    if (!plain.ok()) {
      return broken_answer(source.provider, "its answer had repeated members");
    }
    answer.body = std::move(plain).value();
  }
  return answer;
}

}  // namespace sluice::provider_router
