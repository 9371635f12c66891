#include "services/mcp-connector/connections/mcp_session.h"

#include "services/mcp-connector/domain/client_capabilities.h"

#include "common/mcp/line_splitter.h"

#include <bit>
#include <utility>

namespace sluice::mcp_connector {
namespace {

Error gone_error() {
  return Error(Code::Unavailable, "the MCP server is gone; it is being restarted, retry later");
}

// A JSON-RPC error as the answer to one of the gateway's own requests.
Error refused(std::string_view method, const Answer& answer) {
  return Error(
             Code::Unavailable,
             "the MCP server answered " + std::string(method) +
                 " with an error; look at the server's own logs"
  )
      .with_detail(answer.error);
}

// The same of a list, which a server may not have at all.
Error not_listed(std::string_view method, const Answer& answer) {
  const auto error = mcp::parse_rpc_error(answer.error);
  if (error.ok() && error.value().code == mcp::kMethodNotFound) {
    return Error(
        Code::NotFound,
        "the MCP server does not know " + std::string(method) + "; look at the server's own logs"
    );
  }
  return refused(method, answer);
}

bool is_list_change(std::string_view notification) {
  return notification == "notifications/tools/list_changed" ||
         notification == "notifications/resources/list_changed" ||
         notification == "notifications/prompts/list_changed";
}

}  // namespace

Async<void> McpSession::read() {
  while (!closed_) {
    auto inbound = co_await deps_.link->receive();
    if (!inbound.ok()) {
      fail_all(gone_error());
      co_return std::move(inbound).error();
    }
    if (!inbound.value()) {
      break;
    }
    if (auto* unanswered = std::get_if<ServerLink::Unanswered>(&*inbound.value())) {
      give_up(std::move(*unanswered));
    } else {
      receive(std::move(std::get<ServerLink::Received>(*inbound.value())));
    }
    // Its pipe fills meanwhile: the noise costs the server, nobody else.
    if (noise_ >= kNoiseBytesMax) {
      noise_ = 0;
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(deps_.clock, kNoisePause));
    }
  }
  const bool by_itself = !closed_;
  fail_all(gone_error());
  if (by_itself) {
    deps_.on_gone();
  }
  co_return Result<void>();
}

// Best effort: a server that does not read is found by the health check.
void McpSession::cancel(std::int64_t id, std::string_view reason) {
  if (closed_) {
    return;
  }
  const auto told = deps_.link->cancel(
      id,
      mcp::make_notification(
          "notifications/cancelled", mcp::cancelled_params(mcp::RpcId(id), reason)
      )
  );
  if (!told.ok()) {
    deps_.log->debug("cancel-not-sent", {{"server", deps_.server}});
  }
}

void McpSession::give_up(ServerLink::Unanswered unanswered) {
  if (const auto place = tickets_.find(unanswered.request); place != tickets_.end()) {
    place->second->finish(std::move(unanswered.why));
  }
}

void McpSession::receive(ServerLink::Received received) {
  const std::size_t bytes = received.text.size() + kNoiseBytesPerMessage;
  auto messages = mcp::may_be_message(received.text)
                      ? mcp::parse_messages(std::move(received.text))
                      : Result<std::vector<mcp::Message>>(Error(Code::Invalid, "not JSON"));
  if (!messages.ok()) {  // banners and log lines between messages are common
    noise_ += bytes;
    if (std::has_single_bit(++lines_skipped_)) {  // said at the first, and when they doubled
      deps_.log->warn(
          "server-line-skipped", {{"server", deps_.server}, {"skipped", lines_skipped_}}
      );
    }
    return;
  }
  for (mcp::Message& message : messages.value()) {
    noise_ += message.kind == mcp::Message::Kind::Notification ? bytes : 0;
    receive(std::move(message), received.during);
  }
}

void McpSession::receive(mcp::Message message, std::optional<std::int64_t> during) {
  switch (message.kind) {
    case mcp::Message::Kind::Request:
      be_asked(std::move(message), during);
      return;
    case mcp::Message::Kind::Notification:
      notice(message, during);
      return;
    case mcp::Message::Kind::Result:
    case mcp::Message::Kind::Error:
      answer(std::move(message));
      return;
  }
}

void McpSession::answer(mcp::Message message) {
  last_sign_of_life_ = deps_.clock->now();
  const auto* id = message.id ? std::get_if<std::int64_t>(&*message.id) : nullptr;
  const auto place = id == nullptr ? tickets_.end() : tickets_.find(*id);
  if (place == tickets_.end()) {  // late, or for nobody
    deps_.log->debug("server-answer-ignored", {{"server", deps_.server}});
    return;
  }
  place->second->finish(
      era_->read({.result = std::move(message.result), .error = std::move(message.error)})
  );
}

void McpSession::notice(const mcp::Message& notification, std::optional<std::int64_t> during) {
  if (is_list_change(notification.method)) {
    deps_.on_list_changed();
    return;
  }
  if (notification.method == "notifications/message") {
    hear(notification, during);
    return;
  }
  if (notification.method == "notifications/subscriptions/acknowledged") {
    acknowledge(notification, during);
    return;
  }
  if (notification.method == "notifications/resources/updated" && deps_.on_resource_updated) {
    deps_.on_resource_updated(mcp::text_in(notification.params, "uri"));
    return;
  }
  if (notification.method != "notifications/progress") {
    return;
  }
  const auto token = mcp::progress_token_of(notification.params);
  const auto place = token ? tickets_.find(*token) : tickets_.end();
  if (place != tickets_.end()) {
    last_sign_of_life_ = deps_.clock->now();
    place->second->tell(mcp::make_notification(notification.method, notification.params));
  }
}

Result<std::unique_ptr<McpSession::Ticket>> McpSession::begin(
    Request request, TimePoint deadline, Cancellable cancellable
) {
  if (closed_) {
    return gone_error();
  }
  const std::int64_t id = ++last_id_;
  ServerLink::Outbound outbound = era_->form(id, request);
  // A request in whose middle the caller is asked waits for that; the ticket's own time does not.
  const bool may_ask = request.caller && request.caller->may_be_asked() && era_->server_may_ask();
  outbound.answer_by = may_ask ? deadline + kParkedFor * kRoundsMax : deadline;
  SLUICE_CHECK_OK(deps_.link->send(std::move(outbound)));
  auto ticket = std::make_unique<Ticket>(
      this, id, cancellable == Cancellable::Yes, std::move(request.caller)
  );
  tickets_.emplace(id, ticket.get());
  ticket->await_until(deadline);
  return ticket;
}

Async<Answer> McpSession::ask(Request request, TimePoint deadline, Cancellable cancellable) {
  SLUICE_CO_TRY(const auto ticket, begin(std::move(request), deadline, cancellable));
  while (true) {
    SLUICE_CO_TRY(const auto event, co_await ticket->next());
    if (!event) {
      co_return ticket->take();
    }
  }
}

Async<mcp::InitializeResult> McpSession::initialize(std::string version, TimePoint deadline) {
  SLUICE_CO_TRY(Answer answer, co_await ask_to_initialize(std::move(version), deadline));
  co_return initialized(std::move(answer));
}

Async<Answer> McpSession::ask_to_initialize(std::string version, TimePoint deadline) {
  era_ = legacy_era();
  Request request{.method = "initialize"};
  request.params =
      mcp::initialize_params(this_client(), version, offered_capabilities(deps_.client));
  co_return co_await ask(std::move(request), deadline, Cancellable::No);
}

Result<mcp::InitializeResult> McpSession::initialized(Answer answer) {
  if (!answer.error.empty()) {
    return refused("initialize", answer);
  }
  SLUICE_TRY(auto result, mcp::parse_initialize_result(answer.result));
  deps_.link->negotiated(result.protocol_version);
  SLUICE_CHECK_OK(deps_.link->send(
      {.message = mcp::make_notification("notifications/initialized", ""),
       .headers = {},
       .request = {},
       .answer_by = {}}
  ));
  return result;
}

Result<std::unique_ptr<McpSession::Ticket>> McpSession::discover(
    std::string version, TimePoint deadline
) {
  era_ = modern_era(std::move(version), Discovered::No);
  return begin({.method = std::string(mcp::kDiscover)}, deadline, Cancellable::No);
}

void McpSession::speak_modern(std::string version, Discovered discovered) {
  deps_.link->negotiated(version);
  era_ = modern_era(std::move(version), discovered);
}

Async<std::vector<json::Value>> McpSession::list(const mcp::ListMethod* which, TimePoint deadline) {
  std::vector<json::Value> items;
  std::size_t bytes = 0;
  std::optional<std::string> cursor;
  for (int page = 0; page < kListPagesMax; ++page) {
    Request request{.method = std::string(which->method)};
    request.params = mcp::list_params(cursor);
    SLUICE_CO_TRY(
        const Answer answer, co_await ask(std::move(request), deadline, Cancellable::Yes)
    );
    if (!answer.error.empty()) {
      co_return not_listed(which->method, answer);
    }
    bytes += answer.result.size();
    SLUICE_CO_TRY(auto listed, mcp::parse_list_page(*which, answer.result));
    std::move(listed.items.begin(), listed.items.end(), std::back_inserter(items));
    if (!listed.next_cursor) {
      co_return items;
    }
    if (items.size() > kListItemsMax || bytes > kListBytesMax || listed.next_cursor == cursor) {
      break;
    }
    cursor = std::move(listed.next_cursor);
  }
  co_return Error(
      Code::Invalid,
      "the MCP server's " + std::string(which->method) +
          " does not come to an end; repair the server"
  );
}

Async<std::vector<json::Value>> McpSession::list_tools(TimePoint deadline) {
  SLUICE_CO_TRY(auto tools, co_await list(&mcp::kToolsList, deadline));
  for (const json::Value& tool : tools) {
    if (tool.text_or(mcp::kToolsList.key, "").empty()) {
      co_return Error(Code::Invalid, "the server lists a tool without a name; repair the server");
    }
  }
  co_return tools;
}

Async<void> McpSession::ping(TimePoint deadline) {
  Request request{.method = std::string(era_->health_method())};
  SLUICE_CO_TRY(const Answer answer, co_await ask(std::move(request), deadline, Cancellable::Yes));
  co_return Result<void>();  // an error is an answer too
}

Result<std::unique_ptr<McpSession::Ticket>> McpSession::request(
    Request request, TimePoint deadline
) {
  if (tickets_.size() >= kRequestsInFlightMax) {
    return Error(Code::Exhausted, "too many calls are waiting for this MCP server; retry later");
  }
  if (!request.caller) {
    request.caller.emplace();
  }
  return begin(std::move(request), deadline, Cancellable::Yes);
}

Result<std::unique_ptr<McpSession::Ticket>> McpSession::call_tool(
    std::string_view tool,
    std::string_view arguments,
    TimePoint deadline,
    mcp::HeaderList param_headers,
    ForCaller caller
) {
  return request(
      {.method = std::string(mcp::kToolsCall),
       .params = mcp::tools_call_params(tool, arguments),
       .name = std::string(tool),
       .param_headers = std::move(param_headers),
       .progress = true,
       .caller = std::move(caller)},
      deadline
  );
}

void McpSession::fail_all(const Error& why) {
  closed_ = true;
  for (const auto& [id, ticket] : tickets_) {
    ticket->finish(why);
  }
}

Async<void> McpSession::idle() {
  if (tickets_.empty()) {
    co_return Result<void>();
  }
  async::OneShot<void> empty;
  idle_waiter_ = &empty;
  const auto result = co_await empty.wait();
  idle_waiter_ = nullptr;
  co_return result;
}

void McpSession::forget(std::int64_t id, bool tell_server) {
  tickets_.erase(id);
  if (tell_server) {
    cancel(id, "given up");
  }
  if (tickets_.empty() && idle_waiter_ != nullptr) {
    idle_waiter_->set({});
  }
}

}  // namespace sluice::mcp_connector
