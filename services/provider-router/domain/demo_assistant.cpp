#include "services/provider-router/domain/demo_assistant.h"

#include "services/provider-router/domain/demo_tools.h"
#include "services/provider-router/domain/translate/chunk_events.h"
#include "services/provider-router/limits.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::provider_router {
namespace {

constexpr std::string_view kSignature =
    "\n\n(Said by demo/assistant, Sluice's scripted demo. It is no language model.)";
// Bytes of text per chunk of a stream, cut at spaces.
constexpr std::size_t kPieceBytes = 24;

std::string text_of_content(const json::Value* content) {
  if (content == nullptr) {
    return {};
  }
  if (const std::string* text = content->as_string()) {
    return *text;
  }
  std::string joined;
  if (const json::Array* parts = content->as_array()) {
    for (const json::Value& part : *parts) {
      joined += part.text_or("text", "");
    }
  }
  return joined;
}

// A tool's words: the text itself, or the text parts of an MCP result written as JSON.
std::string text_of_result(const json::Value& message) {
  std::string text = text_of_content(message.find("content"));
  if (text.starts_with('{')) {
    const auto parsed = json::parse(text);
    if (parsed.ok()) {
      const std::string inner = text_of_content(parsed.value().find("content"));
      if (!inner.empty()) {
        text = inner;
      }
    }
  }
  if (text.size() > kDemoQuoteBytesMax) {
    std::size_t cut = kDemoQuoteBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80U) {
      --cut;
    }
    text = text.substr(0, cut) + " …";
  }
  return text;
}

// The call a tool message answers, found by its id.
struct Called {
  std::string name = "a tool";
  std::string subject;  // first text argument: mostly the path
};

Called called(const json::Array& messages, const std::string& id) {
  Called found;
  for (const json::Value& message : messages) {
    const json::Value* calls = message.find("tool_calls");
    if (calls == nullptr || !calls->is_array()) {
      continue;
    }
    for (const json::Value& call : *calls->as_array()) {
      const json::Value* function = call.find("function");
      if (function == nullptr || call.text_or("id", "") != id) {
        continue;
      }
      found.name = function->text_or("name", found.name);
      const auto arguments = json::parse(function->text_or("arguments", "{}"));
      const json::Object* members = arguments.ok() ? arguments.value().as_object() : nullptr;
      if (members != nullptr && !members->empty() &&
          members->members().front().second.is_string()) {
        found.subject = *members->members().front().second.as_string();
      }
    }
  }
  return found;
}

std::string worded(const Called& call, const std::string& result) {
  const auto action = demo_action_of(call.name);
  const std::string by = " (tool " + call.name + ")";
  if (action == DemoAction::ReadFile && !call.subject.empty()) {
    return "I read " + call.subject + by + ". It says: " + result;
  }
  if (action == DemoAction::ListDirectory && !call.subject.empty()) {
    return call.subject + " holds" + by + ":\n" + result;
  }
  if (action == DemoAction::WriteFile && !call.subject.empty()) {
    return "I asked to write " + call.subject + by + ". The answer was: " + result;
  }
  return "The tool " + call.name + " answered: " + result;
}

// Behind the last message of the user.
std::size_t turn_begin(const json::Array& messages) {
  std::size_t first = messages.size();
  while (first > 0 && messages[first - 1].text_or("role", "") != "user") {
    --first;
  }
  return first;
}

// How often tools were called since then.
std::size_t rounds_done(const json::Array& messages) {
  std::size_t rounds = 0;
  for (std::size_t i = turn_begin(messages); i < messages.size(); ++i) {
    rounds += messages[i].find("tool_calls") != nullptr ? 1 : 0;
  }
  return rounds;
}

// The results of tools since then, worded.
std::string from_results(const json::Array& messages) {
  std::string text;
  for (std::size_t i = turn_begin(messages); i < messages.size(); ++i) {
    if (messages[i].text_or("role", "") != "tool") {
      continue;
    }
    text +=
        (text.empty() ? "" : "\n\n") +
        worded(
            called(messages, messages[i].text_or("tool_call_id", "")), text_of_result(messages[i])
        );
  }
  return text;
}

std::string without_fitting_tool(const std::vector<DemoIntent>& intents) {
  return intents.empty()
             ? std::string(
                   "Hello. I understand a few phrases only: \"read <path>\", \"list <directory>\", "
                   "\"write <text> to "
                   "<path>\", \"echo <text>\", \"add 2 and 3\"; and I call the tools this request "
                   "offers for them."
               )
             : std::string(
                   "I understood you, but this request offers no tool that does it. Connect an MCP "
                   "server that has one "
                   "(for files: @modelcontextprotocol/server-filesystem) and allow it for your key."
               );
}

struct Choice {
  bool none = false;
  bool required = false;
  std::string name;  // one function
};

Choice choice_of(const json::Value& request) {
  Choice choice;
  const json::Value* given = request.find("tool_choice");
  if (given == nullptr) {
    return choice;
  }
  if (const std::string* word = given->as_string()) {
    choice.none = *word == "none";
    choice.required = *word == "required";
  } else if (const json::Value* function = given->find("function")) {
    choice.required = true;
    choice.name = function->text_or("name", "");
  }
  return choice;
}

std::vector<DemoCall> calls_for(
    const json::Value& request, const std::vector<DemoIntent>& intents, std::string_view text
) {
  std::vector<DemoCall> calls;
  const Choice choice = choice_of(request);
  const json::Value* tools = request.find("tools");
  if (choice.none) {
    return calls;
  }
  for (const DemoIntent& intent : intents) {
    auto call = demo_call(intent, tools);
    if (call && (choice.name.empty() || call->name == choice.name)) {
      calls.push_back(std::move(*call));
    }
  }
  if (calls.empty() && choice.required) {
    if (auto call = demo_forced_call(choice.name, tools, text)) {
      calls.push_back(std::move(*call));
    }
  }
  const json::Value* parallel = request.find("parallel_tool_calls");
  if (calls.size() > 1 && parallel != nullptr && !parallel->as_bool().value_or(true)) {
    calls.resize(1);
  }
  return calls;
}

// A rough count that is the same each time: four bytes a token.
std::int64_t tokens_in(std::size_t bytes) {
  return static_cast<std::int64_t>((bytes + 3) / 4);
}

void count_tokens(const json::Array& messages, DemoReply& reply) {
  std::size_t asked = 0;
  for (const json::Value& message : messages) {
    asked += text_of_content(message.find("content")).size();
  }
  std::size_t said = reply.text.size();
  for (const ToolCall& call : reply.facts.tool_calls) {
    said += call.name.size() + call.arguments.size();
  }
  Usage& usage = reply.facts.usage;
  usage.prompt_tokens = tokens_in(asked);
  usage.completion_tokens = tokens_in(said);
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
}

std::string last_user_text(const json::Array& messages) {
  for (std::size_t i = messages.size(); i > 0; --i) {
    if (messages[i - 1].text_or("role", "") == "user") {
      return text_of_content(messages[i - 1].find("content"));
    }
  }
  return {};
}

std::string tool_calls_json(const std::vector<ToolCall>& calls) {
  json::Array list;
  for (const ToolCall& call : calls) {
    list.push_back(json::object({
        {"id", call.id},
        {"type", "function"},
        {"function", json::object({{"name", call.name}, {"arguments", call.arguments}})},
    }));
  }
  return json::write(json::Value(std::move(list)));
}

std::string id_of(std::string_view seed) {
  return "chatcmpl-demo-" + std::string(seed);
}

}  // namespace

Result<DemoReply> demo_reply(const json::Value& request, std::string_view seed) {
  const json::Value* list = request.find("messages");
  const json::Array* messages = list == nullptr ? nullptr : list->as_array();
  if (messages == nullptr || messages->empty()) {
    return Error(Code::Invalid, "\"messages\" is missing or empty; send at least one user message");
  }
  if (const json::Value* n = request.find("n"); n != nullptr && !n->is_null() && n->as_int() != 1) {
    return Error(Code::Invalid, "\"n\": the demo model gives one choice; leave it out");
  }
  DemoReply reply;
  const bool has_results = messages->back().text_or("role", "") == "tool";
  const std::size_t done = has_results ? rounds_done(*messages) : 0;
  const std::string text = last_user_text(*messages);
  const std::vector<std::string_view> steps = demo_steps(text);
  std::vector<DemoIntent> intents;
  if (done < steps.size()) {
    intents = demo_intents(steps[done]);
    for (DemoCall& call : calls_for(request, intents, text)) {
      std::string id =
          "call_demo_" + std::string(seed) + "_" + std::to_string(reply.facts.tool_calls.size());
      reply.facts.tool_calls.push_back(
          {std::move(id), std::move(call.name), std::move(call.arguments)}
      );
    }
  }
  if (reply.facts.tool_calls.empty()) {
    reply.text = (has_results ? from_results(*messages) : without_fitting_tool(intents)) +
                 std::string(kSignature);
  }
  reply.facts.finish_reason = reply.facts.tool_calls.empty() ? "stop" : "tool_calls";
  count_tokens(*messages, reply);
  return reply;
}

std::string demo_completion(const DemoReply& reply, const DemoFrame& frame) {
  std::string out = "{\"id\":";
  json::append_quoted(out, id_of(frame.seed));
  out += ",\"object\":\"chat.completion\",\"created\":" + std::to_string(frame.created_unix_s) +
         ",\"model\":";
  json::append_quoted(out, frame.model);
  out += ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":";
  if (reply.facts.tool_calls.empty()) {
    json::append_quoted(out, reply.text);
  } else {
    out += "null";
  }
  out += ",\"refusal\":null";
  if (!reply.facts.tool_calls.empty()) {
    out += ",\"tool_calls\":" + tool_calls_json(reply.facts.tool_calls);
  }
  return out + "},\"logprobs\":null,\"finish_reason\":\"" + reply.facts.finish_reason +
         "\"}],\"usage\":" + usage_json(reply.facts.usage) + "}";
}

std::vector<std::string> demo_chunks(const DemoReply& reply, const DemoFrame& frame) {
  const ChunkEvents events(id_of(frame.seed), frame.model, frame.created_unix_s, frame.usage_asked);
  std::vector<std::string> chunks(1);
  events.append_delta(chunks.back(), R"({"role":"assistant","content":"","refusal":null})");
  for (std::size_t i = 0; i < reply.facts.tool_calls.size(); ++i) {
    const ToolCall& call = reply.facts.tool_calls[i];
    events.append_tool_call(chunks.emplace_back(), i, call.id, call.name);
    const std::size_t half = std::min(call.arguments.find(':', 0), call.arguments.size() - 1) + 1;
    events.append_tool_arguments(
        chunks.emplace_back(), i, std::string_view(call.arguments).substr(0, half)
    );
    if (half < call.arguments.size()) {
      events.append_tool_arguments(
          chunks.emplace_back(), i, std::string_view(call.arguments).substr(half)
      );
    }
  }
  std::string_view rest = reply.text;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ', std::min(kPieceBytes, rest.size()));
    const std::size_t size = space == std::string_view::npos ? rest.size() : space;
    events.append_content(chunks.emplace_back(), rest.substr(0, size));
    rest.remove_prefix(size);
  }
  events.append_finish(chunks.emplace_back(), reply.facts.finish_reason);
  events.append_usage(chunks.back(), reply.facts.usage);
  return chunks;
}

}  // namespace sluice::provider_router
