// McpSseStream: the event stream of one client of the legacy HTTP+SSE transport (2024-11-05): what
// is said to it by many, in the order it is sent. Single thread.
#pragma once

#include "services/ingress/limits.h"
#include "services/ingress/ports.h"

#include "common/async/channel.h"
#include "common/http/message.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sluice::ingress {

class McpSseStream {
 public:
  // id: unguessable; what the client posts to.
  McpSseStream(std::string id, Owner owner) : id_(std::move(id)), owner_(std::move(owner)) {}

  [[nodiscard]] const std::string& id() const { return id_; }

  [[nodiscard]] const Owner& owner() const { return owner_; }

  // Of /mcp, which answers for this stream; "" before initialize.
  [[nodiscard]] const std::string& session() const { return session_; }

  void set_session(std::string session) { session_ = std::move(session); }

  // Waits for room. Errors: Cancelled (the client left, or the stream was closed).
  Async<void> push(std::string event);

  // For whoever sends them.
  [[nodiscard]] async::Channel<std::string>* events() { return &events_; }

  void close() { events_.close(); }

  [[nodiscard]] bool closed() const { return events_.closed(); }

  // Requests under way.
  std::size_t requests = 0;

 private:
  std::string id_;
  Owner owner_;
  std::string session_;
  async::Channel<std::string> events_{kSseEventsMax};
};

// Puts the answer to one request of /mcp on such a stream: what it writes as events, and what it
// answers as one more. A session it opens becomes the stream's.
class McpSseWriter final : public http::ResponseWriter {
 public:
  explicit McpSseWriter(std::shared_ptr<McpSseStream> stream) : stream_(std::move(stream)) {}

  Async<void> begin(int status, http::Headers headers) override;
  Async<void> write(std::string bytes) override;
  Async<void> end() override;
  Async<void> respond(http::HttpResponse response) override;

  [[nodiscard]] bool begun() const override { return begun_; }

 private:
  std::shared_ptr<McpSseStream> stream_;
  bool begun_ = false;
};

}  // namespace sluice::ingress
