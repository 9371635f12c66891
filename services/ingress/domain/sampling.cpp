#include "services/ingress/domain/sampling.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/value.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::uint32_t kStatusErrorsFrom = 400;

Error not_taken(std::string_view what) {
  return Error(
      Code::Invalid,
      std::string(what) + "; the gateway's own models answer texts and images without tools"
  );
}

Result<json::Value> part_of(const json::Value& content) {
  const std::string type = content.text_or("type", "");
  if (type == "text") {
    return json::object(
        {{"type", json::Value("text")}, {"text", json::Value(content.text_or("text", ""))}}
    );
  }
  if (type == "image") {
    const std::string url =
        "data:" + content.text_or("mimeType", "") + ";base64," + content.text_or("data", "");
    return json::object(
        {{"type", json::Value("image_url")},
         {"image_url", json::object({{"url", json::Value(url)}})}}
    );
  }
  return not_taken("a message has content of type \"" + type + "\"");
}

// content: one block, or a list of them.
Result<json::Value> parts_of(const json::Value* content) {
  json::Array parts;
  if (content != nullptr && content->is_object()) {
    SLUICE_TRY(json::Value part, part_of(*content));
    parts.push_back(std::move(part));
  } else if (content != nullptr && content->is_array()) {
    for (const json::Value& block : *content->as_array()) {
      SLUICE_TRY(json::Value part, part_of(block));
      parts.push_back(std::move(part));
    }
  }
  if (parts.empty()) {
    return not_taken("a message has no content");
  }
  if (parts.size() == 1 && parts.front().text_or("type", "") == "text") {
    return *parts.front().find("text");  // what every model takes
  }
  return json::Value(std::move(parts));
}

Result<json::Array> messages_of(const json::Value& params) {
  const json::Value* given = params.find("messages");
  if (given == nullptr || !given->is_array() || given->as_array()->empty() ||
      given->as_array()->size() > kMessagesMax) {
    return not_taken("messages is no list of 1 to " + std::to_string(kMessagesMax) + " messages");
  }
  json::Array messages;
  const std::string system = params.text_or("systemPrompt", "");
  if (!system.empty()) {
    messages.push_back(
        json::object({{"role", json::Value("system")}, {"content", json::Value(system)}})
    );
  }
  for (const json::Value& message : *given->as_array()) {
    const std::string role = message.text_or("role", "");
    if (role != "user" && role != "assistant") {
      return not_taken("a message has the role \"" + role + "\"");
    }
    SLUICE_TRY(json::Value content, parts_of(message.find("content")));
    messages.push_back(json::object({{"role", json::Value(role)}, {"content", std::move(content)}})
    );
  }
  return messages;
}

std::string stop_reason_of(const std::string& finish_reason) {
  if (finish_reason == "stop" || finish_reason.empty()) {
    return "endTurn";
  }
  return finish_reason == "length" ? "maxTokens" : finish_reason;
}

}  // namespace

bool SamplingSettings::serves(std::string_view server) const {
  return !model.empty() && std::any_of(servers.begin(), servers.end(), [server](const auto& name) {
    return name == "*" || name == server;
  });
}

std::string with_sampling(const std::string& capabilities) {
  auto declared = json::parse(capabilities.empty() ? "{}" : capabilities);
  if (!declared.ok() || !declared.value().is_object()) {
    return capabilities;
  }
  declared.value().as_object()->set("sampling", json::Value(json::Object()));
  return json::write(declared.value());
}

Result<std::string> sampling_body(const std::string& params, const SamplingSettings& settings) {
  SLUICE_TRY(
      const json::Value request,
      json::parse(params, {.depth_max = kBodyDepthMax, .bytes_max = kBodyBytesMax})
  );
  if (!request.is_object()) {
    return not_taken("params is no object");
  }
  if (request.find("tools") != nullptr || request.find("toolChoice") != nullptr) {
    return not_taken("the request brings tools");
  }
  SLUICE_TRY(json::Array messages, messages_of(request));
  json::Object body;
  body.set("model", json::Value(settings.model));
  body.set("messages", json::Value(std::move(messages)));
  const json::Value* wanted = request.find("maxTokens");
  const std::int64_t asked =
      wanted == nullptr ? settings.max_tokens : wanted->as_int().value_or(settings.max_tokens);
  body.set(
      "max_completion_tokens", json::Value(std::clamp<std::int64_t>(asked, 1, settings.max_tokens))
  );
  if (const json::Value* temperature = request.find("temperature");
      temperature != nullptr && temperature->is_number()) {
    body.set("temperature", *temperature);
  }
  if (const json::Value* stop = request.find("stopSequences");
      stop != nullptr && stop->is_array() && !stop->as_array()->empty()) {
    body.set("stop", *stop);
  }
  return json::write(json::Value(std::move(body)));
}

Result<std::string> sampling_result(const provider::v1::ChatFinal& final) {
  const auto body =
      json::parse(final.body(), {.depth_max = kBodyDepthMax, .bytes_max = kBodyBytesMax});
  if (!body.ok() || final.status() == 0 || final.status() >= kStatusErrorsFrom) {
    const json::Value* error = body.ok() ? body.value().find("error") : nullptr;
    return Error(
        Code::Unavailable,
        error == nullptr ? "the gateway's model gave no answer"
                         : error->text_or("message", "the gateway's model failed")
    );
  }
  const json::Value* choices = body.value().find("choices");
  const bool any = choices != nullptr && choices->is_array() && !choices->as_array()->empty();
  const json::Value* message = any ? choices->as_array()->front().find("message") : nullptr;
  const json::Value* content = message == nullptr ? nullptr : message->find("content");
  if (content == nullptr || !content->is_string()) {
    return Error(Code::Unavailable, "the gateway's model answered without a text");
  }
  return json::write(json::object(
      {{"role", json::Value("assistant")},
       {"content", json::object({{"type", json::Value("text")}, {"text", *content}})},
       {"model", json::Value(final.model())},
       {"stopReason", json::Value(stop_reason_of(final.finish_reason()))}}
  ));
}

}  // namespace sluice::ingress
