#include "services/ingress/domain/agent_loop.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/limits.h"

#include "common/crypto/sha256.h"
#include "common/http/error_map.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::uint32_t kStatusErrorsFrom = 400;
constexpr std::string_view kDone = "data: [DONE]\n\n";
constexpr std::string_view kToolCalls = "tool_calls";

// Calls of an answer that was cut off may be cut off themselves.
bool is_cut_off(const std::string& finish_reason) {
  return finish_reason == "length" || finish_reason == "content_filter";
}

// The member error of an OpenAI error body.
json::Value error_in(const std::string& body) {
  const auto parsed = json::parse(body);
  const json::Value* error = parsed.ok() ? parsed.value().find("error") : nullptr;
  return error != nullptr ? *error
                          : json::object({{"message", "the model's provider gave no answer"}});
}

json::Value empty_message() {
  return json::object({{"role", "assistant"}, {"content", ""}});
}

// The first choice of a completion; nullptr: it is none.
const json::Value* choice_in(const json::Value& completion) {
  const json::Value* choices = completion.find("choices");
  const json::Array* items = choices == nullptr ? nullptr : choices->as_array();
  return items == nullptr || items->empty() ? nullptr : &items->front();
}

Result<json::Value> completion_in(const std::string& body) {
  auto parsed = json::parse(body);
  const json::Value* choice = parsed.ok() ? choice_in(parsed.value()) : nullptr;
  const json::Value* message = choice == nullptr ? nullptr : choice->find("message");
  if (message == nullptr || !message->is_object()) {
    return Error(Code::Unavailable, "the provider's answer is no chat completion with a message");
  }
  return std::move(parsed).value();
}

}  // namespace

Async<std::optional<provider::v1::ChatFinal>> AgentLoop::run(
    ChatTurn* turn, std::string body, http::ResponseWriter* writer
) {
  SLUICE_CO_TRY(AgentBody agent_body, AgentBody::of(std::move(body)));
  Chat chat{
      .turn = turn,
      .writer = writer,
      .body = std::move(agent_body),
      .events = {},
      .report = {},
      .completion = {},
      .message = {},
      .finish_reason = {},
      .waiting = {},
  };
  turn->context.deadline -= kAgentEndReserve;
  SLUICE_CO_TRY(Refusal refusal, co_await drive(&chat));
  if (!refusal) {
    SLUICE_CO_CHECK_OK(co_await answer(&chat));
  }
  co_return refusal;
}

Async<AgentLoop::Refusal> AgentLoop::drive(Chat* chat) {
  std::string body = chat->body.first();
  for (;;) {  // at most agent_depth + 1 questions
    auto refused = co_await ask(chat, std::move(body));
    if (!refused.ok()) {
      co_return co_await break_off(chat, std::move(refused).error());
    }
    if (refused.value()) {
      if (!chat->effect) {
        co_return refused;
      }
      chat->report.stop_reason = "error";
      chat->report.error = error_in(refused.value()->body());
      co_return Refusal();
    }
    const json::Array* suggested = tool_calls_of(chat->message);
    if (suggested == nullptr || is_cut_off(chat->finish_reason)) {
      chat->report.stop_reason = is_cut_off(chat->finish_reason) ? chat->finish_reason : "stop";
      chat->waiting = suggested == nullptr ? json::Array() : *suggested;
      co_return Refusal();
    }
    chat->finish_reason = kToolCalls;
    auto calls = agent_calls_of(chat->message, *chat->turn->snapshot, chat->body);
    const bool deep = chat->report.depth >= chat->turn->agent_depth;
    const bool late = deps_.clock->now() >= chat->turn->context.deadline;
    if (!calls || deep || late) {
      chat->report.stop_reason = !calls ? kToolCalls : late ? "deadline" : "max_depth";
      chat->waiting = *suggested;
      co_return Refusal();
    }
    auto ran = co_await run_calls(chat, std::move(*calls));
    if (!ran.ok()) {
      chat->waiting = *tool_calls_of(chat->message);
      co_return co_await break_off(chat, std::move(ran).error());
    }
    if (!chat->waiting.empty()) {
      chat->report.stop_reason =
          chat->report.approvals.empty() ? std::string(kToolCalls) : "approval_required";
      co_return Refusal();
    }
    auto next = chat->body.continued(chat->report.transcript);
    if (!next.ok()) {
      chat->message = empty_message();
      co_return co_await break_off(chat, std::move(next).error());
    }
    body = std::move(next).value();
  }
}

Async<AgentLoop::Refusal> AgentLoop::ask(Chat* chat, std::string body) {
  ChatTurn* const turn = chat->turn;
  chat->message = empty_message();
  chat->finish_reason = "stop";
  chat->waiting.clear();
  provider::v1::ChatRequest request;
  request.set_model(turn->model);
  request.set_stream(turn->stream);
  request.set_body(std::move(body));
  RequestContext context = turn->context;
  ++context.hop;
  SLUICE_CO_TRY(const auto stream, co_await deps_.provider->chat(std::move(request), context));
  crypto::Sha256 digest;
  for (;;) {  // ends with the provider's stream, which has a deadline
    SLUICE_CO_TRY(auto chunk, co_await stream->next());
    if (!chunk) {
      break;
    }
    digest.update(chunk->events());
    SLUICE_CO_CHECK_OK(co_await forward(chat, std::move(*chunk->mutable_events())));
  }
  const provider::v1::ChatFinal& final = stream->final();
  if (!turn->stream) {
    digest.update(final.body());
  }
  SLUICE_CO_CHECK_OK(deps_.records->answered(final, digest.finish(), *turn));
  SLUICE_CO_CHECK_OK(co_await deps_.records->remember(&final, turn));
  AgentEvents::Step step = chat->events.end_step();
  if (final.status() == 0 || final.status() >= kStatusErrorsFrom) {
    co_return Refusal(final);
  }
  if (!turn->stream) {
    SLUICE_CO_TRY(chat->completion, completion_in(final.body()));
    const json::Value& choice = *choice_in(chat->completion);
    step.message = *choice.find("message");
    step.finish_reason = choice.text_or("finish_reason", "stop");
    const json::Value* usage = chat->completion.find("usage");
    step.usage = usage == nullptr ? json::Value() : *usage;
  }
  chat->message = std::move(step.message);
  chat->finish_reason = std::move(step.finish_reason);
  chat->report.usage_by_step.push_back(usage_of(&step.usage, final));
  chat->report.add(json::write(chat->message));
  co_return Refusal();
}

Async<void> AgentLoop::forward(Chat* chat, std::string events) {
  if (!chat->turn->stream) {
    co_return Error(
        Code::Internal,
        "the provider's answer came in pieces although it was asked for whole; report this"
    );
  }
  SLUICE_CO_TRY(std::string seen, chat->events.take(events));
  if (seen.empty()) {
    co_return Result<void>();
  }
  if (!chat->writer->begun()) {
    SLUICE_CO_CHECK_OK(co_await chat->writer->begin(200, event_headers(chat->turn->context.chain)));
  }
  co_return co_await chat->writer->write(std::move(seen));
}

Async<void> AgentLoop::run_calls(Chat* chat, std::vector<AgentCall> calls) {
  ChatTurn* const turn = chat->turn;
  const auto count = static_cast<std::uint32_t>(calls.size());
  // Models and tools may have taken longer than the caller token lives.
  SLUICE_CO_TRY(
      turn->context.caller_token,
      co_await deps_.admission->fresh_token(turn->request, turn->context)
  );
  SLUICE_CO_TRY(const auto ends, co_await deps_.tools->run(turn, std::move(calls)));
  const json::Array& suggested = *tool_calls_of(chat->message);
  std::uint32_t last_hop = 0;  // of a script's run
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const AgentCallEnd& end = ends[i];
    chat->effect = chat->effect || end.effect;
    if (end.approval) {
      chat->report.approvals.push_back(*end.approval);
    }
    if (end.script) {
      chat->report.scripts.push_back(*end.script);
    }
    last_hop = std::max(last_hop, end.hop);
    if (end.message.empty()) {
      chat->waiting.push_back(suggested[i]);
    } else {
      chat->report.add(end.message);
    }
  }
  ++chat->report.depth;
  turn->context.hop += 2 * kHopsPerStep + count;  // the answer's, the calls', and their decisions'
  turn->context.hop = std::max(turn->context.hop, last_hop);
  co_return Result<void>();
}

// After an effect the answer says what was done; before, the error is the answer.
Async<AgentLoop::Refusal> AgentLoop::break_off(Chat* chat, Error error) {
  if (!chat->effect || error.code() == Code::Cancelled) {
    co_return error;
  }
  SLUICE_CO_CHECK_OK(deps_.records->failed(error, *chat->turn));
  chat->report.stop_reason = error.code() == Code::Deadline ? "deadline" : "error";
  chat->report.error = error_in(http::error_body(error, http::Dialect::OpenAi));
  co_return Refusal();
}

Async<void> AgentLoop::answer(Chat* chat) {
  const ChainId& chain = chat->turn->context.chain;
  if (!chat->turn->stream) {
    json::Value message = answer_message(chat->message, chat->waiting);
    auto response = json_response(
        200,
        agent_completion(
            std::move(chat->completion), std::move(message), chat->finish_reason, chat->report
        )
    );
    response.headers.add("x-sluice-chain", chain.str());
    co_return co_await chat->writer->respond(std::move(response));
  }
  if (!chat->writer->begun()) {
    SLUICE_CO_CHECK_OK(co_await chat->writer->begin(200, event_headers(chain)));
  }
  std::string events = chat->events.end(
      chat->waiting,
      chat->finish_reason,
      own_object(chat->report),
      usage_sum(chat->report.usage_by_step)
  );
  events.append(kDone);
  SLUICE_CO_CHECK_OK(co_await chat->writer->write(std::move(events)));
  co_return co_await chat->writer->end();
}

}  // namespace sluice::ingress
