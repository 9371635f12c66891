// McpReply: the answer to one POST of an MCP client: JSON, or an event stream once something is to
// be told before the end.
#pragma once

#include "common/async/async.h"
#include "common/http/message.h"

#include <string>

namespace sluice::ingress {

class McpReply {
 public:
  explicit McpReply(http::ResponseWriter* writer) : writer_(writer) {}

  McpReply(const McpReply&) = delete;
  McpReply& operator=(const McpReply&) = delete;
  McpReply(McpReply&&) = delete;
  McpReply& operator=(McpReply&&) = delete;
  ~McpReply() = default;

  // Makes it a stream, if it is none yet. Errors of all: those of ResponseWriter.
  Async<void> begin();
  // One message before the last.
  Async<void> notify(std::string message);
  // A comment, which clients skip.
  Async<void> keep_alive();
  // The last. Of a stream that has begun only the body still counts, and may be empty.
  Async<void> finish(http::HttpResponse response);

  [[nodiscard]] bool begun() const { return writer_->begun(); }

 private:
  http::ResponseWriter* writer_;
};

}  // namespace sluice::ingress
