#include "services/ingress/domain/mcp_calls.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kCancelled = "notifications/cancelled";
constexpr std::string_view kIdPrefix = "sluice-";
constexpr std::size_t kIdBytes = 12;

std::string key_of(const Owner& owner) {
  return owner.tenant + '\n' + owner.principal;
}

std::string key_of(const McpSessionOwner& by, const mcp::RpcId& id) {
  return key_of(by.owner) + '\n' + by.session + '\n' + mcp::to_json(id);
}

bool is_answer(const mcp::Message& message) {
  return message.kind == mcp::Message::Kind::Result || message.kind == mcp::Message::Kind::Error;
}

// Whether an answer can be one to a request of ours.
bool is_ours(const mcp::Message& message) {
  const auto* id = message.id ? std::get_if<std::string>(&*message.id) : nullptr;
  return id != nullptr && id->starts_with(kIdPrefix);
}

std::optional<mcp::RpcId> cancelled_id(const mcp::Message& notification) {
  const auto params = json::parse(notification.params);
  const json::Value* id = params.ok() ? params.value().find("requestId") : nullptr;
  if (id == nullptr) {
    return std::nullopt;
  }
  if (const std::string* text = id->as_string()) {
    return mcp::RpcId(*text);
  }
  const auto number = id->as_int();
  return number ? std::optional<mcp::RpcId>(*number) : std::nullopt;
}

std::string text_of(const mcp::Message& message) {
  const mcp::RpcId id = message.id.value_or(mcp::RpcId(std::string()));  // answers have one
  if (message.kind == mcp::Message::Kind::Result) {
    return mcp::make_result(id, message.result);
  }
  if (message.kind == mcp::Message::Kind::Error) {
    return R"({"jsonrpc":"2.0","id":)" + mcp::to_json(id) + R"(,"error":)" + message.error + "}";
  }
  return mcp::make_notification(message.method, message.params);
}

}  // namespace

// Questions under way, and who waits for their answers.
class McpCalls::Round {
 public:
  Round(McpCalls* calls, McpSessionOwner by, const std::vector<Question>& questions)
      : calls_(calls), by_(std::move(by)) {
    const std::string start = std::string(kIdPrefix) + to_hex(crypto::random_bytes(kIdBytes)) + "-";
    for (std::size_t i = 0; i < questions.size(); ++i) {
      ids_.emplace_back(start + std::to_string(i));
      calls_->questions_[key_of(by_, ids_.back())] = this;
    }
    responses_.resize(questions.size());
  }

  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;
  Round(Round&&) = delete;
  Round& operator=(Round&&) = delete;

  ~Round() {
    for (const mcp::RpcId& id : ids_) {
      calls_->questions_.erase(key_of(by_, id));
    }
  }

  [[nodiscard]] const mcp::RpcId& id(std::size_t index) const { return ids_.at(index); }

  void answer(const mcp::RpcId& id, std::string response) {
    const auto place = std::find(ids_.begin(), ids_.end(), id);
    if (place == ids_.end()) {
      return;
    }
    std::string& kept = responses_.at(static_cast<std::size_t>(place - ids_.begin()));
    if (kept.empty()) {
      kept = std::move(response);
    }
    if (!complete()) {
      return;
    }
    if (waiter_ != nullptr) {
      waiter_->set({});
    }
    if (on_complete_) {
      std::exchange(on_complete_, nullptr)();
    }
  }

  void on_complete(std::function<void()> call) { on_complete_ = std::move(call); }

  [[nodiscard]] const std::string& response(std::size_t index) const {
    return responses_.at(index);
  }

  [[nodiscard]] bool complete() const {
    return std::none_of(responses_.begin(), responses_.end(), [](const std::string& response) {
      return response.empty();
    });
  }

  // Until all answers are there, or that long.
  Async<void> wait(async::Clock* clock, TimePoint until) {
    async::OneShot<void> woken;
    waiter_ = &woken;
    const auto timer = clock->schedule(until, [&woken] { woken.set({}); });
    const auto result = co_await woken.wait();
    waiter_ = nullptr;
    co_return result;
  }

  [[nodiscard]] std::string json(const std::vector<Question>& questions) const {
    std::string out = "{";
    for (std::size_t i = 0; i < questions.size(); ++i) {
      out.append(i == 0 ? "" : ",");
      json::append_quoted(out, questions.at(i).key);
      out.append(":").append(responses_.at(i));
    }
    return out + "}";
  }

 private:
  McpCalls* calls_;
  McpSessionOwner by_;
  std::vector<mcp::RpcId> ids_;
  std::vector<std::string> responses_;  // empty until answered
  async::OneShot<void>* waiter_ = nullptr;
  std::function<void()> on_complete_;
};

McpCalls::Asked::Asked(
    McpCalls* calls, McpSessionOwner by, const Question& question, std::function<void()> on_answer
)
    : question_(question),
      round_(std::make_unique<Round>(calls, std::move(by), std::vector<Question>{question})) {
  round_->on_complete(std::move(on_answer));
}

McpCalls::Asked::~Asked() = default;

Async<void> McpCalls::Asked::send(McpEvents* events) {
  co_return co_await events->notify(
      mcp::make_request(round_->id(0), question_.method, question_.params)
  );
}

Async<void> McpCalls::Asked::withdraw(McpEvents* events) {
  co_return co_await events->notify(
      mcp::make_notification(kCancelled, R"({"requestId":)" + mcp::to_json(round_->id(0)) + "}")
  );
}

std::string McpCalls::Asked::response() const {
  return round_->response(0);
}

McpCalls::Call::Call(const Start& start, const Deps& deps)
    : owner(key_of(start.by.owner)),
      key(key_of(start.by, start.id)),
      recorder(deps.events, start.resuming, start.by, start.id),
      relay(&recorder, deps.clock) {}

Async<http::HttpResponse> McpCalls::run(Start start, Work work) {
  const auto call = std::make_shared<Call>(start, deps_);
  const auto running = calls_of_.find(call->owner);
  if (running != calls_of_.end() && running->second >= kMcpCallsMax) {
    co_return Error(Code::Exhausted, "too many requests of this key are under way; wait for some");
  }
  calls_[call->key] = call;
  ++calls_of_[call->owner];
  call->task = deps_.tasks->spawn("mcp-call", carry(call, std::move(work)));
  const auto passed = co_await call->relay.pass_on(start.reply);
  if (!passed.ok()) {
    call->relay.leave();
    co_return passed.error();
  }
  if (call->cancelled) {
    SLUICE_CO_CHECK_OK(co_await start.reply->begin());
  }
  if (call->cancelled || !call->answer) {
    co_return http::HttpResponse{};
  }
  start.reply->name_next(call->answer_id);
  co_return std::move(*call->answer);
}

Async<void> McpCalls::carry(std::shared_ptr<Call> call, Work work) {
  auto answer = co_await work(&call->relay);
  if (answer.ok() && !call->cancelled && call->recorder.can_resume()) {
    auto id = co_await call->recorder.keep_last(answer.value().body);
    call->answer_id = std::move(id).value_or("");  // cancelled meanwhile
  }
  call->answer.emplace(std::move(answer));
  const auto place = calls_.find(call->key);
  if (place != calls_.end() && place->second == call) {  // else another has its id by now
    calls_.erase(place);
  }
  if (--calls_of_[call->owner] == 0) {
    calls_of_.erase(call->owner);
  }
  call->relay.finish();
  co_return Result<void>();
}

Async<std::string> McpCalls::ask(
    McpSessionOwner by,
    std::string capabilities,
    std::vector<Question> questions,
    McpEvents* events,
    TimePoint deadline
) {
  Round round(this, std::move(by), questions);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions.at(i);
    if (!may_be_asked(capabilities, question)) {
      round.answer(round.id(i), not_declared(question));
      continue;
    }
    SLUICE_CO_CHECK_OK(
        co_await events->notify(mcp::make_request(round.id(i), question.method, question.params))
    );
  }
  const TimePoint until = std::min<TimePoint>(deadline, deps_.clock->now() + kMcpAnswerWait);
  while (!round.complete()) {
    if (events->gone()) {
      co_return Error(Code::Cancelled, "the client left before it answered");
    }
    if (deps_.clock->now() >= until) {
      co_return Error(
          Code::Deadline, "the client did not answer what the server asked; call again and answer"
      );
    }
    const TimePoint next = std::min<TimePoint>(until, deps_.clock->now() + kMcpKeepAlive);
    SLUICE_CO_CHECK_OK(co_await round.wait(deps_.clock, next));
    if (!round.complete()) {
      SLUICE_CO_CHECK_OK(co_await events->keep_alive());
    }
  }
  co_return round.json(questions);
}

void McpCalls::take(const McpSessionOwner& by, const mcp::Message& message) {
  if (is_answer(message) ? !is_ours(message) : message.method != kCancelled) {
    return;
  }
  if (take_here(by, message)) {
    return;
  }
  v1::ClientMessage told;
  told.set_tenant(by.owner.tenant);
  told.set_principal(by.owner.principal);
  told.set_session(by.session);
  told.set_message(text_of(message));
  if (const auto sent = deps_.replicas->tell(told); !sent.ok()) {
    deps_.log->warn("client-message-lost", {{"error", sent.error().to_log()}});
  }
}

void McpCalls::heard(const v1::ClientMessage& message) {
  const auto parsed = mcp::parse_message(message.message());
  if (!parsed.ok()) {
    deps_.log->warn("client-message-unreadable", {{"error", parsed.error().to_log()}});
    return;
  }
  const McpSessionOwner by{
      .owner = {message.tenant(), message.principal()}, .session = message.session()
  };
  static_cast<void>(take_here(by, parsed.value()));
}

bool McpCalls::take_here(const McpSessionOwner& by, const mcp::Message& message) {
  return is_answer(message) ? answer(by, message) : cancel(by, message);
}

bool McpCalls::answer(const McpSessionOwner& by, const mcp::Message& message) {
  if (!message.id) {
    return false;
  }
  const auto place = questions_.find(key_of(by, *message.id));
  if (place == questions_.end()) {
    return false;
  }
  place->second->answer(*message.id, response_in(message));
  return true;
}

Async<void> McpCalls::end_stream(std::shared_ptr<Call> call) {
  co_return co_await call->recorder.end();
}

bool McpCalls::cancel(const McpSessionOwner& by, const mcp::Message& notification) {
  const auto id = cancelled_id(notification);
  const auto place = id ? calls_.find(key_of(by, *id)) : calls_.end();
  if (place == calls_.end()) {
    return false;
  }
  const std::shared_ptr<Call> call = place->second;
  call->cancelled = true;
  deps_.tasks->cancel(call->task);
  deps_.tasks->spawn("mcp-stream-end", end_stream(call));
  return true;
}

}  // namespace sluice::ingress
