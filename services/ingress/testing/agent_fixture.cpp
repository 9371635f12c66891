#include "services/ingress/testing/agent_fixture.h"

#include "common/http/sse.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr const char* kHead = R"("id":"chatcmpl-)";
constexpr const char* kUsage =
    R"({"prompt_tokens":11,"completion_tokens":5,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":2}})";

connector::v1::Final text_final(const std::string& text) {
  connector::v1::Final final;
  final.set_outcome(connector::v1::OUTCOME_DONE);
  final.set_result(R"({"content":[{"type":"text","text":")" + text + R"("}]})");
  return final;
}

json::Value call_json(const Suggested& call) {
  return json::object({
      {"id", call.id},
      {"type", "function"},
      {"function", json::object({{"name", call.name}, {"arguments", call.arguments}})},
  });
}

void set_final(ScriptedAnswer& answer, const std::vector<Suggested>& calls) {
  std::vector<std::pair<std::string, std::string>> named;
  named.reserve(calls.size());
  for (const Suggested& call : calls) {
    named.emplace_back(call.id, call.name);
  }
  answer = answer_of("", named);
  answer.final.mutable_usage()->set_total_tokens(16);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    answer.final.mutable_tool_calls(static_cast<int>(i))->set_arguments(calls[i].arguments);
  }
}

std::string completion(json::Value message, const std::string& finish_reason) {
  return std::string("{") + kHead + R"(1","object":"chat.completion","created":1,"model":"m",)" +
         R"("choices":[{"index":0,"message":)" + json::write(message) +
         R"(,"logprobs":null,"finish_reason":")" + finish_reason + R"("}],"usage":)" + kUsage + "}";
}

std::string chunk(const std::string& choices, const std::string& more = "") {
  static int number = 0;
  return std::string("data: {") + kHead + std::to_string(++number) +
         R"(","object":"chat.completion.chunk","created":1,"model":"m","choices":[)" + choices +
         "]" + more + "}\n\n";
}

std::string delta(const std::string& json, const std::string& finish_reason = "null") {
  return R"({"index":0,"delta":)" + json + R"(,"finish_reason":)" + finish_reason + "}";
}

const json::Value* at(const json::Value& value, std::string_view path) {
  const json::Value* found = &value;
  while (found != nullptr && !path.empty()) {
    const std::string_view step = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    if (const json::Array* items = found->as_array(); items != nullptr) {
      const std::size_t index = std::stoul(std::string(step));
      found = index < items->size() ? &(*items)[index] : nullptr;
    } else {
      found = found->find(step);
    }
  }
  return found;
}

std::vector<std::string> texts_in(
    const json::Value& value, std::string_view path, std::string_view member
) {
  std::vector<std::string> texts;
  const json::Value* list = at(value, path);
  if (list != nullptr && list->as_array() != nullptr) {
    for (const json::Value& item : *list->as_array()) {
      texts.push_back(item.text_or(member, ""));
    }
  }
  return texts;
}

}  // namespace

ScriptedAnswer asks(const std::vector<Suggested>& calls, const std::string& finish_reason) {
  ScriptedAnswer answer;
  set_final(answer, calls);
  json::Array list;
  for (const Suggested& call : calls) {
    list.push_back(call_json(call));
  }
  json::Value message = json::object(
      {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::Value(std::move(list))}}
  );
  answer.final.set_body(completion(std::move(message), finish_reason));
  return answer;
}

ScriptedAnswer says(const std::string& text) {
  ScriptedAnswer answer;
  set_final(answer, {});
  answer.final.set_body(completion(json::object({{"role", "assistant"}, {"content", text}}), "stop")
  );
  return answer;
}

ScriptedAnswer streamed(const std::string& text, const std::vector<Suggested>& calls, bool usage) {
  ScriptedAnswer answer;
  set_final(answer, calls);
  answer.chunks.push_back(chunk(delta(R"({"role":"assistant","content":""})")));
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t space = std::min(text.find(' ', from), text.size() - 1);
    std::string piece = R"({"content":)";
    json::append_quoted(piece, std::string_view(text).substr(from, space + 1 - from));
    answer.chunks.push_back(chunk(delta(piece + "}")));
    from = space + 1;
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string index = R"({"tool_calls":[{"index":)" + std::to_string(i);
    std::string arguments;
    json::append_quoted(arguments, calls[i].arguments);
    answer.chunks.push_back(chunk(delta(
        index + R"(,"id":")" + calls[i].id + R"(","type":"function","function":{"name":")" +
        calls[i].name + R"(","arguments":""}}]})"
    )));
    answer.chunks.push_back(chunk(delta(index + R"(,"function":{"arguments":)" + arguments + "}}]}")
    ));
  }
  answer.chunks.push_back(chunk(delta("{}", calls.empty() ? R"("stop")" : R"("tool_calls")")));
  if (usage) {
    answer.chunks.push_back(chunk("", std::string(R"(,"usage":)") + kUsage));
  }
  return answer;
}

http::HttpRequest with_header(
    http::HttpRequest request, const std::string& name, const std::string& value
) {
  request.headers.add(name, value);
  return request;
}

void AgentFixture::show(const std::string& tool, policy::v1::Verdict verdict) {
  for (auto& shown : *policy.shown.mutable_tools()) {
    if (shown.tool() == tool) {
      shown.set_verdict(verdict);
    }
  }
}

void AgentFixture::answer_in_reverse(std::vector<std::string> ids) {
  order_ = std::move(ids);
  for (const std::string& id : order_) {
    gates_[id] = std::make_unique<async::OneShot<void>>();
  }
  gates_[order_.back()]->set({});
  servers.answer = [this](connector::v1::Request request, RequestContext) {
    return reversed(request.tool_call_id());
  };
}

Async<connector::v1::Final> AgentFixture::reversed(std::string id) {
  SLUICE_CO_CHECK_OK(co_await gates_[id]->wait());
  const auto place = std::find(order_.begin(), order_.end(), id);
  if (place != order_.begin()) {
    gates_[*std::prev(place)]->set({});
  }
  co_return text_final("result of " + id);
}

void AgentFixture::count_concurrency() {
  servers.answer = [this](connector::v1::Request, RequestContext) { return counted(); };
}

Async<connector::v1::Final> AgentFixture::counted() {
  at_once_max = std::max(at_once_max, ++at_once);
  async::OneShot<void> turn;  // set in a later turn of the loop, when others have begun
  boost::asio::post(loop, [&turn] { turn.set({}); });
  SLUICE_CO_CHECK_OK(co_await turn.wait());
  --at_once;
  co_return text_final("done");
}

void AgentFixture::hold_calls() {
  servers.answer = [this](connector::v1::Request, RequestContext) { return held(); };
}

Async<connector::v1::Final> AgentFixture::held() {
  ++at_once;
  async::OneShot<void> never;
  const auto woken = co_await never.wait();
  --at_once;
  SLUICE_CO_CHECK_OK(woken);
  co_return text_final("done");
}

void AgentFixture::let_calls_take(std::chrono::seconds time) {
  servers.answer = [this, time](connector::v1::Request, RequestContext) { return timed(time); };
}

Async<connector::v1::Final> AgentFixture::timed(std::chrono::seconds time) {
  clock.advance(time);
  beat(policy.policy_version);
  co_return text_final("done");
}

void AgentFixture::fail_after_first_call() {
  servers.answer = [this](connector::v1::Request, RequestContext) { return last(); };
}

Async<connector::v1::Final> AgentFixture::last() {
  policy.set_down(true);
  co_return text_final("done");
}

std::string AgentFixture::member(const std::string& path) const {
  const json::Value whole = answer();
  const json::Value* found = at(whole, path);
  return found == nullptr ? std::string() : json::write(*found);
}

std::vector<std::string> AgentFixture::ids(const std::string& path) const {
  return texts_in(answer(), path, "id");
}

std::vector<std::string> AgentFixture::roles(const std::string& path) const {
  return texts_in(answer(), path, "role");
}

json::Value AgentFixture::answer() const {
  const std::string body = writer->body();
  if (!body.starts_with("data:")) {
    return json::parse(body).value_or(json::Value());
  }
  for (json::Value& event : events()) {
    if (event.find("sluice") != nullptr) {
      return event;
    }
  }
  return {};
}

std::vector<json::Value> AgentFixture::events() const {
  std::vector<json::Value> out;
  http::SseParser parser;
  const auto parsed = parser.feed(writer->body());
  if (!parsed.ok()) {
    return out;
  }
  for (const auto& event : parsed.value()) {
    if (auto value = json::parse(event.data); value.ok()) {
      out.push_back(std::move(value).value());
    }
  }
  return out;
}

}  // namespace sluice::ingress
