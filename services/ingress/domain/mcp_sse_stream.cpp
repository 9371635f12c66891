#include "services/ingress/domain/mcp_sse_stream.h"

#include "common/http/sse.h"
#include "common/mcp/protocol.h"

namespace sluice::ingress {

Async<void> McpSseStream::push(std::string event) {
  auto pushed = co_await events_.push(std::move(event));
  if (!pushed.ok() && pushed.error().code() == Code::Unavailable) {
    co_return Error(Code::Cancelled, "the client went away");
  }
  co_return pushed;
}

Async<void> McpSseWriter::begin(int, http::Headers) {
  begun_ = true;
  co_return Result<void>();
}

Async<void> McpSseWriter::write(std::string bytes) {
  co_return co_await stream_->push(std::move(bytes));
}

Async<void> McpSseWriter::end() {
  co_return Result<void>();
}

Async<void> McpSseWriter::respond(http::HttpResponse response) {
  begun_ = true;
  if (const auto session = response.headers.get(mcp::kSessionHeader); !session.empty()) {
    stream_->set_session(std::string(session));
  }
  if (response.body.empty()) {
    co_return Result<void>();
  }
  co_return co_await stream_->push(http::format_sse(response.body, "message"));
}

}  // namespace sluice::ingress
