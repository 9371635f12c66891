// McpReply: the answer to one POST of an MCP client: JSON, or an event stream once something is to
// be told before the end. McpRelay: the same from a task that may outlive the client's connection.
#pragma once

#include "services/ingress/limits.h"

#include "common/async/async.h"
#include "common/async/channel.h"
#include "common/http/message.h"

#include <optional>
#include <string>

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

  // The last. Of a stream that has begun only the body still counts, and may be empty.
  Async<void> finish(http::HttpResponse response);

  [[nodiscard]] bool begun() const { return writer_->begun(); }

 private:
  http::ResponseWriter* writer_;
};

// One task tells, and the connection's handler passes it on while it lives. Errors of telling: only
// Cancelled.
class McpRelay final : public McpEvents {
 public:
  Async<void> begin() override;
  Async<void> notify(std::string message) override;
  Async<void> keep_alive() override;

  [[nodiscard]] bool gone() const override { return events_.closed(); }

  // Passes on until the task said finish(). Errors: those of the reply; Cancelled (the client
  // left). Whoever ends with an error says leave().
  Async<void> pass_on(McpReply* reply);

  void leave() { events_.close(); }

  // Nothing more will be told.
  void finish() { events_.close(); }

 private:
  // A message, or nothing: a comment.
  using Event = std::optional<std::string>;

  Async<void> push(Event event);

  async::Channel<Event> events_{kMcpRelayMessagesMax};
};

}  // namespace sluice::ingress
