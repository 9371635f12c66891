#include "services/provider-router/domain/translate/anthropic_request.h"

#include "services/provider-router/domain/translate/anthropic_content.h"
#include "services/provider-router/domain/translate/anthropic_messages.h"
#include "services/provider-router/limits.h"

#include <algorithm>

namespace sluice::provider_router {
namespace {

Error invalid(std::string what) {
  return Error(Code::Invalid, std::move(what));
}

bool given(const json::Value* value) {
  return value != nullptr && !value->is_null();
}

Result<void> refuse_what_has_no_counterpart(const json::Value& request) {
  if (const json::Value* n = request.find("n"); given(n) && n->as_int() != 1) {
    return invalid("\"n\": this provider gives one choice; leave it out and send several requests");
  }
  if (const json::Value* logprobs = request.find("logprobs");
      given(logprobs) && logprobs->as_bool().value_or(true)) {
    return invalid("\"logprobs\": this provider has none; leave it out");
  }
  if (given(request.find("audio"))) {
    return invalid("\"audio\": this provider has no audio output; leave it out");
  }
  if (given(request.find("functions")) || given(request.find("function_call"))) {
    return invalid("\"functions\": this provider takes \"tools\" and \"tool_choice\" instead");
  }
  return {};
}

Result<std::int64_t> max_tokens_of(const json::Value& request, std::int64_t fallback) {
  for (const std::string_view key : {"max_completion_tokens", "max_tokens"}) {
    const json::Value* value = request.find(key);
    if (!given(value)) {
      continue;
    }
    const auto number = value->as_int();
    if (!number || *number < 1) {
      return invalid("\"" + std::string(key) + "\" is no positive integer");
    }
    return *number;
  }
  return fallback;
}

Result<json::Value> tool_of(const json::Value& tool, const std::string& where) {
  const json::Value* function = tool.find("function");
  if (function == nullptr || !function->is_object() ||
      tool.text_or("type", "function") != "function") {
    return invalid(where + ": this provider takes tools of type \"function\" only");
  }
  json::Value result = json::object({{"name", function->text_or("name", "")}});
  json::Object& out = *result.as_object();
  if (const json::Value* description = function->find("description"); given(description)) {
    out.set("description", *description);
  }
  const json::Value* schema = function->find("parameters");
  out.set(
      "input_schema",
      given(schema) ? *schema : json::object({{"type", "object"}, {"properties", json::object({})}})
  );
  if (const json::Value* strict = function->find("strict"); given(strict)) {
    out.set("strict", *strict);
  }
  copy_cache_control(*function, result);
  copy_cache_control(tool, result);
  return result;
}

Result<void> set_tools(const json::Value& request, json::Object& out) {
  const json::Value* tools = request.find("tools");
  if (!given(tools)) {
    return {};
  }
  if (!tools->is_array()) {
    return invalid("\"tools\" is a " + std::string(tools->type_name()) + "; give a list");
  }
  json::Array list;
  for (std::size_t i = 0; i < tools->as_array()->size(); ++i) {
    SLUICE_TRY(
        json::Value tool, tool_of((*tools->as_array())[i], "tools[" + std::to_string(i) + "]")
    );
    list.push_back(std::move(tool));
  }
  if (!list.empty()) {
    out.set("tools", std::move(list));
  }
  return {};
}

// none → none, auto → auto, required → any, a named function → tool. parallel_tool_calls: false
// rides inside it.
Result<json::Value> tool_choice_of(const json::Value& request) {
  const json::Value* choice = request.find("tool_choice");
  const json::Value* parallel = request.find("parallel_tool_calls");
  const bool one_at_a_time = given(parallel) && !parallel->as_bool().value_or(true);
  json::Value result;
  if (given(choice) && choice->is_object()) {
    const json::Value* function = choice->find("function");
    const std::string name = function == nullptr ? "" : function->text_or("name", "");
    if (name.empty()) {
      return invalid(
          "\"tool_choice\": give \"none\", \"auto\", \"required\" or {\"type\": \"function\", "
          "\"function\": {\"name\": …}}"
      );
    }
    result = json::object({{"type", "tool"}, {"name", name}});
  } else if (given(choice)) {
    const std::string* word = choice->as_string();
    if (word == nullptr || (*word != "none" && *word != "auto" && *word != "required")) {
      return invalid("\"tool_choice\": give \"none\", \"auto\", \"required\" or a named function");
    }
    result = json::object({{"type", *word == "required" ? std::string("any") : *word}});
  } else if (one_at_a_time) {
    result = json::object({{"type", "auto"}});
  }
  if (one_at_a_time && result.text_or("type", "none") != "none") {
    result.as_object()->set("disable_parallel_tool_use", true);
  }
  return result;
}

// Anthropic's range is 0 to 1, OpenAI's 0 to 2.
void set_temperature(const json::Value& request, json::Object& out) {
  const json::Value* temperature = request.find("temperature");
  if (!given(temperature)) {
    return;
  }
  const auto number = temperature->as_double();
  if (number && *number > 1.0) {
    out.set("temperature", 1);
  } else if (number && *number < 0.0) {
    out.set("temperature", 0);
  } else {
    out.set("temperature", *temperature);
  }
}

void set_stop(const json::Value& request, json::Object& out) {
  const json::Value* stop = request.find("stop");
  if (!given(stop)) {
    return;
  }
  if (stop->is_string()) {
    out.set("stop_sequences", json::Array{*stop});
  } else if (stop->is_array() && !stop->as_array()->empty()) {
    out.set("stop_sequences", *stop);
  }
}

void set_user(const json::Value& request, json::Object& out) {
  std::string user = request.text_or("user", "");
  if (user.empty()) {
    user = request.text_or("safety_identifier", "");
  }
  if (!user.empty()) {
    out.set("metadata", json::object({{"user_id", user}}));
  }
}

Result<void> set_format(const json::Value& request, json::Object& out) {
  const json::Value* format = request.find("response_format");
  if (!given(format) || format->text_or("type", "") != "json_schema") {
    return {
    };  // text is the default; json_object already makes the client ask for JSON in its own words
  }
  const json::Value* schema = format->find("json_schema");
  const json::Value* inner = schema == nullptr ? nullptr : schema->find("schema");
  if (!given(inner)) {
    return invalid("\"response_format\": json_schema needs \"json_schema\": {\"schema\": …}");
  }
  out.set(
      "output_config",
      json::object({{"format", json::object({{"type", "json_schema"}, {"schema", *inner}})}})
  );
  return {};
}

// Thinking tokens for each effort. Source: the smallest budget is Anthropic's; the steps are those
// other gateways use.
std::optional<std::int64_t> budget_of(std::string_view effort) {
  struct Row {
    std::string_view effort;
    std::int64_t budget;
  };

  constexpr std::array kRows{
      Row{"minimal", 1024},
      Row{"low", 1024},
      Row{"medium", 4096},
      Row{"high", 16384},
      Row{"xhigh", 32768},
      Row{"max", 32768}
  };
  for (const Row& row : kRows) {
    if (row.effort == effort) {
      return row.budget;
    }
  }
  return std::nullopt;
}

// thinking as the client wrote it, else from reasoning_effort. Thinking goes neither with a forced
// tool, nor with a tool turn whose thinking was not sent back, nor with a temperature, nor without
// room below max_tokens: then it stays off.
void set_thinking(
    const json::Value& request,
    const AnthropicMessages& messages,
    std::int64_t max_tokens,
    json::Object& out
) {
  if (const json::Value* thinking = request.find("thinking"); given(thinking)) {
    out.set("thinking", *thinking);
    return;
  }
  const std::string effort = request.text_or("reasoning_effort", "");
  if (effort == "none") {
    out.set("thinking", json::object({{"type", "disabled"}}));
    return;
  }
  const auto wanted = budget_of(effort);
  const json::Value* choice = out.find("tool_choice");
  const std::string forced = choice == nullptr ? "" : choice->text_or("type", "");
  if (!wanted || forced == "any" || forced == "tool" || messages.last_tool_turn_unsigned) {
    return;
  }
  const std::int64_t budget = std::min(*wanted, max_tokens - 1);
  if (budget < kThinkingBudgetMin) {
    return;
  }
  out.set("thinking", json::object({{"type", "enabled"}, {"budget_tokens", budget}}));
  out.erase("temperature");
  out.erase("top_k");
}

bool usage_asked(const json::Value& request) {
  const json::Value* options = request.find("stream_options");
  const json::Value* include = options == nullptr ? nullptr : options->find("include_usage");
  return include != nullptr && include->as_bool().value_or(false);
}

}  // namespace

Result<AnthropicBody> anthropic_request(const json::Value& request, const AnthropicTarget& target) {
  if (!request.is_object()) {
    return invalid("the body is no JSON object; send a chat completions request");
  }
  SLUICE_CHECK_OK(refuse_what_has_no_counterpart(request));
  const json::Value* list = request.find("messages");
  SLUICE_TRY(
      AnthropicMessages messages, anthropic_messages(list == nullptr ? json::Value() : *list)
  );
  SLUICE_TRY(const std::int64_t max_tokens, max_tokens_of(request, target.max_tokens_default));

  AnthropicBody result{json::object({{"model", target.model}}), usage_asked(request)};
  json::Object& out = *result.body.as_object();
  out.set("max_tokens", max_tokens);
  if (!messages.system.is_null()) {
    out.set("system", std::move(messages.system));
  }
  out.set("messages", std::move(messages.messages));
  SLUICE_CHECK_OK(set_tools(request, out));
  SLUICE_TRY(json::Value choice, tool_choice_of(request));
  if (!choice.is_null() && out.contains("tools")) {
    out.set("tool_choice", std::move(choice));
  }
  set_temperature(request, out);
  for (const std::string_view key : {"top_p", "top_k"}) {
    if (const json::Value* value = request.find(key); given(value)) {
      out.set(key, *value);
    }
  }
  set_stop(request, out);
  set_user(request, out);
  SLUICE_CHECK_OK(set_format(request, out));
  set_thinking(request, messages, max_tokens, out);
  if (target.stream || request.find("stream") != nullptr) {
    out.set("stream", target.stream);
  }
  return result;
}

}  // namespace sluice::provider_router
