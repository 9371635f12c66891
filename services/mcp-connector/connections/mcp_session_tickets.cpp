// The tickets of a session, and what a server says in the middle of the request of one: progress,
// log messages, questions.
#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/domain/client_capabilities.h"
#include "services/mcp-connector/domain/log_level.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {
namespace {

mcp::RpcError no_room() {
  return {
      .code = mcp::kInternalError,
      .message = "too much is being asked at once; wait for answers, or ask for less",
      .data = {}
  };
}

mcp::RpcError ended_meanwhile() {
  return {
      .code = mcp::kInternalError,
      .message = "the request in which that was asked has ended; do without the answer",
      .data = {}
  };
}

}  // namespace

McpSession::Ticket::Ticket(
    McpSession* session, std::int64_t id, bool cancellable, std::optional<ForCaller> caller
)
    : session_(session),
      id_(id),
      cancellable_(cancellable),
      is_for_caller_(caller.has_value()),
      caller_(std::move(caller).value_or(ForCaller())) {}

McpSession::Ticket::~Ticket() {
  if (!answer_) {
    refuse_questions();
  }
  session_->forget(id_, cancellable_ && !answer_.has_value());
}

Result<Answer> McpSession::Ticket::take() {
  if (!answer_) {
    return Error(Code::Cancelled, "the request was given up");
  }
  return std::move(*answer_);
}

void McpSession::Ticket::finish(Result<Answer> answer) {
  if (!answer_) {
    answer_.emplace(std::move(answer));
    timer_.reset();
    refuse_questions();
    events_.close();
  }
}

void McpSession::Ticket::give_up() {
  give_up(Error(Code::Cancelled, "the caller gave the request up"));
}

void McpSession::Ticket::give_up(Error why) {
  abandon(std::move(why), "given up");
}

void McpSession::Ticket::abandon(Error why, std::string_view reason) {
  if (answer_) {
    return;
  }
  answer_.emplace(std::move(why));  // the timer stays: this may be its call
  refuse_questions();
  events_.close();
  if (cancellable_) {
    session_->cancel(id_, reason);
  }
}

void McpSession::Ticket::await_until(TimePoint deadline) {
  timer_ = session_->deps_.clock->schedule(deadline, [this] {
    abandon(
        Error(
            Code::Deadline,
            "the MCP server did not answer in time; allow more time or look at the server"
        ),
        "timeout"
    );
  });
}

void McpSession::Ticket::wake() {
  Event nothing;
  static_cast<void>(events_.try_push(nothing));  // one that is full wakes by itself
}

void McpSession::Ticket::tell(std::string notification) {
  Event event{.notification = std::move(notification), .question = {}};
  if (!events_.try_push(event)) {
    session_->deps_.log->debug("notification-dropped", {{"server", session_->deps_.server}});
  }
}

bool McpSession::Ticket::ask(Question question) {
  const std::size_t bytes = question.bytes();
  const mcp::RpcId id = question.id.value_or(mcp::RpcId(0));
  question.key = "sluice_" + std::to_string(++asked_);
  Event event{.notification = {}, .question = std::move(question)};
  if (open_.size() >= kQuestionsMax || open_bytes_ + bytes > kQuestionBytesMax ||
      !events_.try_push(event)) {
    return false;
  }
  open_.emplace_back(id, bytes);
  open_bytes_ += bytes;
  return true;
}

void McpSession::Ticket::reply(const mcp::RpcId& id, const Reply& reply) {
  const auto place = std::find_if(open_.begin(), open_.end(), [&id](const auto& question) {
    return question.first == id;
  });
  if (place == open_.end()) {
    return;
  }
  open_bytes_ -= place->second;
  open_.erase(place);
  const auto error = mcp::parse_rpc_error(reply.error);
  session_->answer_server(
      error.ok() ? mcp::make_error(id, error.value()) : mcp::make_result(id, reply.result)
  );
}

void McpSession::Ticket::refuse_questions() {
  for (const auto& [id, bytes] : std::exchange(open_, {})) {
    session_->answer_server(mcp::make_error(id, ended_meanwhile()));
  }
  open_bytes_ = 0;
}

// Whose request the server means: the one on whose stream it speaks, or else the only one there is.
// What came on no request's stream belongs to the only call under way; one whose caller is asked
// already, and may have left, does not count beside it.
McpSession::Ticket* McpSession::ticket_of(std::optional<std::int64_t> during) const {
  if (during) {
    const auto place = tickets_.find(*during);
    return place == tickets_.end() || !place->second->is_for_caller_ ? nullptr : place->second;
  }
  std::vector<Ticket*> running;
  std::vector<Ticket*> paused;
  for (const auto& [id, ticket] : tickets_) {
    if (ticket->is_for_caller_ && !ticket->ended()) {
      (ticket->is_paused() ? paused : running).push_back(ticket);
    }
  }
  const auto& candidates = running.empty() ? paused : running;
  return candidates.size() == 1 ? candidates.front() : nullptr;
}

void McpSession::be_asked(mcp::Message question, std::optional<std::int64_t> during) {
  Ticket* const ticket =
      is_question(question.method) && era_->server_may_ask() ? ticket_of(during) : nullptr;
  const bool is_roots = question.method == mcp::kRootsList;
  if (ticket == nullptr || (is_roots && !deps_.client.root_uris.empty())) {
    return answer_server(mcp::answer_server_request(question, configured_roots(deps_.client)));
  }
  const auto lacking =
      lacking_capability(ticket->caller_.capabilities, question.method, question.params);
  if (lacking && is_roots) {
    return answer_server(mcp::answer_server_request(question, configured_roots(deps_.client)));
  }
  if (lacking && !ticket->caller_.ends_when_lacking) {
    return answer_server(mcp::make_error(question.id, missing_capability(*lacking)));
  }
  const auto id = question.id;
  const bool asked = ticket->ask(
      {.key = {},
       .method = std::move(question.method),
       .params = std::move(question.params),
       .id = id}
  );
  if (!asked) {
    answer_server(mcp::make_error(id, no_room()));
  }
}

void McpSession::answer_server(std::string message) {
  if (closed_) {
    return;
  }
  const auto sent = deps_.link->send(
      {.message = std::move(message), .headers = {}, .request = {}, .answer_by = {}}
  );
  if (!sent.ok()) {
    deps_.log->warn(
        "server-request-unanswered", {{"server", deps_.server}, {"reason", sent.error().message()}}
    );
  }
}

void McpSession::hear(const mcp::Message& notification, std::optional<std::int64_t> during) {
  Ticket* const ticket = ticket_of(during);
  if (ticket != nullptr &&
      is_wanted_level(mcp::text_in(notification.params, "level"), ticket->caller_.log_level)) {
    ticket->tell(mcp::make_notification(notification.method, notification.params));
  }
}

Async<Answer> McpSession::tell_about_resource(
    std::string method, std::string uri, TimePoint deadline
) {
  Request request{.method = std::move(method)};
  request.params = json::write(json::object({{"uri", std::move(uri)}}));
  co_return co_await ask(std::move(request), deadline, Cancellable::Yes);
}

Result<std::unique_ptr<McpSession::Ticket>> McpSession::listen(
    std::string filter, TimePoint deadline
) {
  Request request{.method = "subscriptions/listen"};
  request.params = std::move(filter);
  return begin(std::move(request), deadline, Cancellable::Yes);
}

// The stream it came on says whose it is, or else the id it names.
void McpSession::acknowledge(const mcp::Message& notification, std::optional<std::int64_t> during) {
  if (!during) {
    const auto params = json::parse(notification.params);
    const json::Value* meta = params.ok() ? params.value().find("_meta") : nullptr;
    const json::Value* id = meta == nullptr ? nullptr : meta->find(mcp::kMetaSubscriptionId);
    during = id == nullptr ? std::nullopt : id->as_int();
  }
  const auto place = during ? tickets_.find(*during) : tickets_.end();
  if (place != tickets_.end() && !place->second->is_for_caller_) {
    place->second->tell(notification.method);
  }
}

Async<void> McpSession::want_log_level(std::string level, TimePoint deadline) {
  const auto wanted = log_level_of(level);
  if (!wanted || !era_->server_may_ask() || (log_level_ && *log_level_ <= *wanted)) {
    co_return Result<void>();
  }
  log_level_ = wanted;
  Request request{.method = "logging/setLevel"};
  request.params = R"({"level":")" + level + R"("})";
  const auto until = std::min(deadline, deps_.clock->now() + kLogLevelTimeout);
  const auto answer = co_await ask(std::move(request), until, Cancellable::Yes);
  if (!answer.ok() && answer.error().code() == Code::Cancelled) {
    co_return answer.error();
  }
  if (!answer.ok() || !answer.value().error.empty()) {
    deps_.log->warn(
        "log-level-not-set",
        {{"server", deps_.server},
         {"level", level},
         {"error", answer.ok() ? answer.value().error : answer.error().to_log()}}
    );
  }
  co_return Result<void>();
}

}  // namespace sluice::mcp_connector
