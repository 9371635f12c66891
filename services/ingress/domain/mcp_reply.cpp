#include "services/ingress/domain/mcp_reply.h"

#include "services/ingress/limits.h"

#include "common/http/sse.h"

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
  const std::string id = std::exchange(next_id_, {});
  SLUICE_CO_CHECK_OK(co_await begin());
  co_return co_await writer_->write(http::format_sse(message, "message", id));
}

Async<void> McpReply::prime(std::string id) {
  SLUICE_CO_CHECK_OK(co_await begin());
  co_return co_await writer_->write(
      "retry: " + std::to_string(kMcpRetry.count()) + '\n' + http::format_sse("", "", id)
  );
}

Async<void> McpReply::finish(http::HttpResponse response) {
  if (!writer_->begun()) {
    co_return co_await writer_->respond(std::move(response));
  }
  if (!response.body.empty()) {
    SLUICE_CO_CHECK_OK(co_await notify(std::move(response.body)));
  }
  co_return co_await writer_->end();
}

}  // namespace sluice::ingress
