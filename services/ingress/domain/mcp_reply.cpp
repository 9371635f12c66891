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

}  // namespace sluice::ingress
