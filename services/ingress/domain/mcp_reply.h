// McpReply: the answer to one POST of an MCP client: JSON, or an event stream once something is to
// be told before the end.
#pragma once

#include "common/async/async.h"
#include "common/http/message.h"

#include <string>
#include <utility>

namespace sluice::ingress {

// What a client is told before the answer.
class McpEvents {
 public:
  McpEvents() = default;
  McpEvents(const McpEvents&) = delete;
  McpEvents& operator=(const McpEvents&) = delete;
  McpEvents(McpEvents&&) = delete;
  McpEvents& operator=(McpEvents&&) = delete;
  virtual ~McpEvents() = default;

  // Makes the answer a stream, if it is none yet. Errors of all: those of ResponseWriter.
  virtual Async<void> begin() = 0;
  // One message before the last.
  virtual Async<void> notify(std::string message) = 0;
  // A comment, which clients skip.
  virtual Async<void> keep_alive() = 0;
  // The client left; what is told is dropped.
  [[nodiscard]] virtual bool gone() const = 0;
};

class McpReply final : public McpEvents {
 public:
  explicit McpReply(http::ResponseWriter* writer) : writer_(writer) {}

  Async<void> begin() override;
  Async<void> notify(std::string message) override;
  Async<void> keep_alive() override;

  [[nodiscard]] bool gone() const override { return false; }  // the handler is cancelled then

  // The next event has this id; "": none.
  void name_next(std::string id) { next_id_ = std::move(id); }

  // An event that is an id alone, before all others: the client can come back behind it, and is
  // told after what time.
  Async<void> prime(std::string id);

  // The last. Of a stream that has begun only the body still counts, and may be empty.
  Async<void> finish(http::HttpResponse response);

  [[nodiscard]] bool begun() const { return writer_->begun(); }

 private:
  http::ResponseWriter* writer_;
  std::string next_id_;
};

}  // namespace sluice::ingress
