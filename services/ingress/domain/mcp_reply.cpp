#include "services/ingress/domain/mcp_reply.h"

#include "common/http/sse.h"

#include <utility>

namespace sluice::ingress {

Async<void> McpReply::begin() {
  if (writer_->begun()) {
    co_return Result<void>();
  }
  http::Headers headers;
  headers.add("content-type", "text/event-stream");
  headers.add("cache-control", "no-store");
  headers.add("x-accel-buffering", "no");  // proxies hand on each event at once
  co_return co_await writer_->begin(200, std::move(headers));
}

Async<void> McpReply::keep_alive() {
  co_return co_await writer_->write(": keep-alive\n\n");
}

Async<void> McpReply::notify(std::string message) {
  SLUICE_CO_CHECK_OK(co_await begin());
  co_return co_await writer_->write(http::format_sse(message, "message"));
}

Async<void> McpReply::finish(http::HttpResponse response) {
  if (!writer_->begun()) {
    co_return co_await writer_->respond(std::move(response));
  }
  if (!response.body.empty()) {
    SLUICE_CO_CHECK_OK(co_await writer_->write(http::format_sse(response.body, "message")));
  }
  co_return co_await writer_->end();
}

Async<void> McpRelay::begin() {
  co_return co_await push(std::nullopt);
}

Async<void> McpRelay::notify(std::string message) {
  co_return co_await push(std::move(message));
}

Async<void> McpRelay::keep_alive() {
  co_return co_await push(std::nullopt);
}

Async<void> McpRelay::push(Event event) {
  if (events_.closed()) {
    co_return Result<void>();
  }
  auto pushed = co_await events_.push(std::move(event));
  if (!pushed.ok() && pushed.error().code() == Code::Unavailable) {
    co_return Result<void>();  // left meanwhile
  }
  co_return pushed;
}

Async<void> McpRelay::pass_on(McpReply* reply) {
  for (;;) {  // ends with the task
    SLUICE_CO_TRY(auto event, co_await events_.pop());
    if (!event) {
      co_return Result<void>();
    }
    if (*event) {
      SLUICE_CO_CHECK_OK(co_await reply->notify(std::move(**event)));
    } else {
      SLUICE_CO_CHECK_OK(co_await reply->begin());
      SLUICE_CO_CHECK_OK(co_await reply->keep_alive());
    }
  }
}

}  // namespace sluice::ingress
