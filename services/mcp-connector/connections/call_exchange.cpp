#include "services/mcp-connector/connections/call_exchange.h"

#include "services/mcp-connector/domain/client_capabilities.h"

#include "common/crypto/sha256.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::mcp_connector {
namespace {

// The methods whose results may ask. Source: MCP 2026-07-28, multi round-trip requests.
bool may_ask(std::string_view method) {
  return method == mcp::kToolsCall || method == mcp::kPromptsGet || method == mcp::kResourcesRead;
}

CallEnd ended_with_error(std::string_view method, const mcp::RpcError& error) {
  return ended_with(method, {.result = {}, .error = mcp::to_json(error)});
}

std::string methods_of(const std::vector<Question>& questions) {
  std::string out;
  for (const Question& question : questions) {
    out += (out.empty() ? "" : " ") + question.method;
  }
  return out;
}

}  // namespace

Async<CallEnd> CallExchange::run() {
  const TimePoint now = deps_.clock->now();
  call_->sent = now;
  deadline_ =
      std::min(now + call_->server->config().call_timeout, call_->context.deadline - kReplyReserve);
  if (deadline_ <= now) {
    co_return not_sent(Error(Code::Deadline, "no time was left; allow more time and decide again"));
  }
  if (call_->request.method() == mcp::kResourcesSubscribe) {
    co_return co_await subscribe();
  }
  auto connection = co_await call_->server->connection_for(
      caller_of(call_->claims, call_->request.session()), deadline_
  );
  if (!connection.ok()) {
    co_return not_sent(connection.error());
  }
  connection_ = std::move(connection).value();
  while (true) {
    SLUICE_CO_TRY(CallEnd end, co_await send());
    if (!end.answer.asks) {
      co_return end;
    }
    auto request = parse_input_request(std::move(end.answer.result));
    if (!request.ok() || !may_ask(call_->request.method())) {
      co_return ended_with_error(
          call_->request.method(),
          {.code = mcp::kInternalError,
           .message =
               "the MCP server asks for more input in a way that the protocol does not know; "
               "use another tool, or repair the server",
           .data = {}}
      );
    }
    auto refused = co_await ask_for(std::move(request).value());
    if (!refused.ok()) {
      co_return no_answer(refused.error());
    }
    std::optional<CallEnd> end_now = std::move(refused).value();
    if (end_now) {
      co_return std::move(*end_now);
    }
  }
}

// The connector itself subscribes, for everybody who asks.
Async<CallEnd> CallExchange::subscribe() {
  auto answer = co_await call_->server->watch_resource(call_->named, deadline_);
  co_return answer.ok() ? ended_with(call_->request.method(), std::move(answer).value())
                        : no_answer(answer.error());
}

Async<CallEnd> CallExchange::send() {
  SLUICE_CO_TRY(CallEnd end, co_await exchange());
  if (call_->tool == nullptr || !connection_->wants_other_headers(end.answer)) {
    co_return end;
  }
  // Nothing was done there: once more, if the tool is still the one that was granted.
  auto listed = co_await call_->server->list_tools(deadline_);
  if (listed.ok() && call_->server->config().sharing != Sharing::Shared) {
    listed = co_await connection_->list_tools(deadline_);
  }
  if (!listed.ok() || !deps_.is_still_granted(call_.get())) {
    co_return end;
  }
  co_return co_await exchange();
}

// An error means: certainly not sent. The lease is checked on the way.
Result<std::unique_ptr<McpSession::Ticket>> CallExchange::hand_over() const {
  if (!call_->server->holds_lease()) {
    return Error(
        Code::Unavailable, "this replica does not hold the server any more; retry, another one does"
    );
  }
  if (call_->tool != nullptr) {
    return connection_->call_tool(
        call_->tool->name, call_->request.params(), deadline_, call_->caller
    );
  }
  return connection_->request(
      {.method = call_->request.method(),
       .params = call_->request.params(),
       .name = call_->named,
       .param_headers = {},
       .progress = true,
       .caller = call_->caller},
      deadline_
  );
}

CallEnd CallExchange::without_answer(const Error& why) const {
  return rounds_ == 0 ? not_sent(why) : no_answer(why);
}

Async<CallEnd> CallExchange::exchange() {
  if (!call_->caller.log_level.empty()) {
    SLUICE_CO_CHECK_OK(co_await connection_->want_log_level(call_->caller.log_level, deadline_));
  }
  if (call_->given_up) {
    co_return without_answer(Error(Code::Cancelled, "the caller left before the call was sent"));
  }
  const auto ticket = hand_over();
  if (!ticket.ok()) {
    co_return without_answer(ticket.error());
  }
  call_->ticket = ticket.value().get();
  const TimePoint handed_over = deps_.clock->now();
  parked_for_ = Duration::zero();
  auto followed = co_await follow(ticket.value().get());
  if (!followed.ok()) {
    ticket.value()->give_up(std::move(followed).error());
  }
  call_->ticket = nullptr;
  asking_.reset();
  pending_.clear();
  auto answer = ticket.value()->take();
  connection_->call_ended(
      answer.ok() ? nullptr : &answer.error(), deps_.clock->now() - handed_over - parked_for_
  );
  if (lacking_) {
    co_return cut_short(
        missing_capability(*lacking_),
        "given up: the server asks what the client did not declare that it can answer"
    );
  }
  if (answer.ok() && answer.value().asks && answer.value().result.size() <= kResultBytesMax) {
    CallEnd end;
    end.answer = std::move(answer).value();
    co_return end;
  }
  co_return answer.ok() ? ended_with(call_->request.method(), std::move(answer).value())
                        : no_answer(answer.error());
}

// Until the request has ended; without an answer take() says why.
Async<void> CallExchange::follow(McpSession::Ticket* ticket) {
  while (true) {
    SLUICE_CO_TRY(auto event, co_await ticket->next());
    if (!event) {
      co_return Result<void>();
    }
    SLUICE_CO_CHECK_OK(co_await take(std::move(*event), ticket));
  }
}

Async<void> CallExchange::take(Event event, McpSession::Ticket* ticket) {
  if (!event.notification.empty() && !call_->round->progress.try_push(event.notification)) {
    deps_.log->debug("progress-dropped", {{"server", call_->server->config().name}});
  }
  if (event.question) {
    pending_.push_back(std::move(*event.question));
    gather(ticket);
  }
  if (auto why = std::exchange(call_->unanswerable, std::nullopt)) {
    ticket->give_up(std::move(*why));
    co_return Result<void>();
  }
  if (call_->input) {
    SLUICE_CO_CHECK_OK(co_await reply(ticket));
  }
  if (!call_->parked && !pending_.empty() && deps_.clock->now() >= ask_at_ && !ticket->has_next() &&
      !ticket->ended()) {
    SLUICE_CO_CHECK_OK(co_await ask_pending(ticket));
  }
  co_return Result<void>();
}

// More may come with the first of them.
void CallExchange::gather(McpSession::Ticket* ticket) {
  if (pending_.size() > 1 || call_->parked) {
    return;
  }
  ask_at_ = deps_.clock->now() + kQuestionsGather;
  asking_ = deps_.clock->schedule(ask_at_, [ticket] { ticket->wake(); });
}

// The capability that the caller lacks to be asked this.
std::optional<std::string> CallExchange::lacking_for(const Question& question) const {
  return lacking_capability(call_->caller.capabilities, question.method, question.params);
}

// What a legacy server asked. Its request stays open meanwhile. The caller is asked what it can
// answer; the rest is refused together with its answers, or ends the call where there is nothing
// else.
Async<void> CallExchange::ask_pending(McpSession::Ticket* ticket) {
  std::vector<Question> askable;
  std::copy_if(
      pending_.begin(),
      pending_.end(),
      std::back_inserter(askable),
      [this](const Question& question) { return !lacking_for(question); }
  );
  if (askable.empty()) {
    lacking_ = lacking_for(pending_.front());
    refuse_lacking(ticket);
    ticket->give_up();
    co_return Result<void>();
  }
  ticket->pause();
  auto parked = count_round();
  if (parked.ok()) {
    parked = co_await park(std::move(askable));
  }
  if (!parked.ok()) {
    ticket->give_up(std::move(parked).error());
  }
  co_return Result<void>();
}

Async<void> CallExchange::reply(McpSession::Ticket* ticket) {
  SLUICE_CO_CHECK_OK(co_await record_input());
  const auto input = std::exchange(call_->input, nullptr);
  if (ticket->ended()) {
    co_return Result<void>();
  }
  ticket->await_until(deadline_);
  refuse_lacking(ticket);
  std::erase_if(pending_, [&](const Question& question) {
    const auto place = input->replies.find(question.key);
    if (place == input->replies.end() || !question.id) {
      return false;
    }
    ticket->reply(*question.id, place->second);
    return true;
  });
  co_return Result<void>();
}

// What the caller cannot be asked.
void CallExchange::refuse_lacking(McpSession::Ticket* ticket) {
  std::erase_if(pending_, [&](const Question& question) {
    auto lacking = lacking_for(question);
    if (!lacking || !question.id) {
      return false;
    }
    const auto error = mcp::to_json(missing_capability(std::move(*lacking)));
    ticket->reply(*question.id, {.result = {}, .error = error});
    return true;
  });
}

// What a modern server's result asks for. An end: it cannot be had.
Async<std::optional<CallEnd>> CallExchange::ask_for(InputRequest request) {
  results_.clear();
  if (auto refused = check(&request)) {
    co_return refused;
  }
  SLUICE_CO_CHECK_OK(count_round());
  if (request.questions.empty() && !results_.empty()) {  // the gateway itself has all of it
    call_->caller.input = input_members(results_, request.state);
    co_return std::optional<CallEnd>();
  }
  SLUICE_CO_CHECK_OK(co_await park(request.questions));
  SLUICE_CO_CHECK_OK(co_await wait_for_input());
  if (const auto why = call_->unanswerable) {
    co_return std::optional(no_answer(*why));
  }
  co_return co_await collect(&request);
}

// Answers what the gateway knows itself, and refuses what the caller cannot be asked.
std::optional<CallEnd> CallExchange::check(InputRequest* request) {
  const ClientOffer& offer = call_->server->config().client;
  std::erase_if(request->questions, [&](const Question& question) {
    const bool is_own = question.method == mcp::kRootsList && !offer.root_uris.empty();
    if (is_own) {
      results_[question.key] = configured_roots(offer);
    }
    return is_own;
  });
  for (const Question& question : request->questions) {
    if (!is_question(question.method)) {
      return ended_with_error(
          call_->request.method(),
          {.code = mcp::kInternalError,
           .message = "the MCP server asks its client for something that this gateway does not "
                      "know; use another tool",
           .data = {}}
      );
    }
    if (auto lacking = lacking_for(question)) {
      return ended_with_error(call_->request.method(), missing_capability(std::move(*lacking)));
    }
  }
  return std::nullopt;
}

Async<void> CallExchange::wait_for_input() {
  while (!call_->input && !call_->unanswerable) {
    SLUICE_CO_CHECK_OK(
        co_await call_->wakeup.sleep_until(deps_.clock, deps_.clock->now() + kParkedFor)
    );
  }
  co_return Result<void>();
}

// The caller's answers become part of the next request. What it left out is left out.
Async<std::optional<CallEnd>> CallExchange::collect(const InputRequest* request) {
  SLUICE_CO_CHECK_OK(co_await record_input());
  Replies replies = std::move(std::exchange(call_->input, nullptr)->replies);
  for (const Question& question : request->questions) {
    const auto place = replies.find(question.key);
    if (place == replies.end()) {
      continue;
    }
    if (!place->second.error.empty()) {
      co_return std::optional(ended_with(
          call_->request.method(), {.result = {}, .error = std::move(place->second.error)}
      ));
    }
    results_[question.key] = std::move(place->second.result);
  }
  call_->caller.input = input_members(results_, request->state);
  co_return std::optional<CallEnd>();
}

// Errors: Exhausted.
Result<void> CallExchange::count_round() {
  if (rounds_ >= kRoundsMax) {
    return Error(
        Code::Exhausted, "the MCP server asked too often in one call; call it with all it needs"
    );
  }
  ++rounds_;
  return {};
}

// Ends the stream with these questions. Errors: Exhausted, Unavailable; nobody is asked then.
Async<void> CallExchange::park(std::vector<Question> questions) {
  const std::string requests = to_json(questions);
  SLUICE_CO_CHECK_OK(
      co_await record("tool.input_required", methods_of(questions), crypto::sha256(requests))
  );
  if (call_->ticket != nullptr && call_->ticket->ended()) {
    co_return Result<void>();
  }
  parked_at_ = deps_.clock->now();
  left_ = std::max<Duration>(deadline_ - parked_at_, Duration::zero());
  SLUICE_CO_TRY(auto id, deps_.parked->park(call_));
  connector::v1::Final final;
  final.set_intent_event_id(call_->intent_event_id);
  final.mutable_input_required()->set_request_id(std::move(id));
  final.mutable_input_required()->set_requests(requests);
  call_->end_round(std::move(final));
  call_->round = std::make_shared<GrantedCall::Round>();
  co_return Result<void>();
}

// The call's own time goes on.
Async<void> CallExchange::record_input() {
  const TimePoint now = deps_.clock->now();
  const GrantedCall::Input& input = *call_->input;
  call_->parked = false;
  parked_for_ += now - parked_at_;
  deadline_ = std::min(now + left_, input.context.deadline - kReplyReserve);
  call_->hop = std::max(call_->hop, input.context.hop);
  co_return co_await record("tool.input", {}, input.digest);
}

// Errors: Unavailable; the step that it describes is not taken.
Async<void> CallExchange::record(std::string action, std::string detail, std::string digest) {
  audit::v1::Record record = record_for(*call_, std::move(action));
  record.set_hop(++call_->hop);
  record.set_detail(std::move(detail));
  record.set_result_digest(std::move(digest));
  auto recorded = deps_.audit->record(std::move(record));
  auto written =
      recorded.ok() ? co_await deps_.audit->written() : Result<void>(std::move(recorded).error());
  if (!written.ok()) {
    deps_.log->error("round-not-recorded", {{"error", written.error().to_log()}});
    co_return Error(
        Code::Unavailable, "what the MCP server asks could not be recorded; call it again later"
    );
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
