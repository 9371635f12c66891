// McpRelay: what a task tells a legacy client that may leave and come back.
#pragma once

#include "services/ingress/domain/mcp_event_log.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/limits.h"

#include "common/async/channel.h"
#include "common/async/clock.h"

#include <cstdint>
#include <string>

namespace sluice::ingress {

// The task tells, and the connection's handler passes it on while it lives. Events get ids from the
// recorder, and are kept by it, whether the client is there or not. Errors of telling: only
// Cancelled.
class McpRelay final : public McpEvents {
 public:
  // Both outlive it.
  McpRelay(McpRecorder* recorder, async::Clock* clock) : recorder_(recorder), clock_(clock) {}

  Async<void> begin() override;
  Async<void> notify(std::string message) override;
  Async<void> keep_alive() override;

  // It left, and holds no id to come back with.
  [[nodiscard]] bool gone() const override { return events_.closed() && !recorder_->can_resume(); }

  // Passes on until the task said finish(), or until the client read nothing for
  // kMcpSlowClientWait although it can resume. After kMcpStreamAfter an answer is a stream where
  // the client can resume. Errors: those of the reply; Cancelled (the client left). Whoever ends
  // with an error says leave().
  Async<void> pass_on(McpReply* reply);

  void leave() { events_.close(); }

  // Nothing more will be told.
  void finish() { events_.close(); }

 private:
  enum class Kind : std::uint8_t { Message, Id, Comment, Tick };

  struct Event {
    Kind kind = Kind::Comment;
    std::string message;
    std::string id;
  };

  Async<void> prime();
  Async<void> push(Event event);
  Async<void> pass(Event event, McpReply* reply);
  Async<void> tick(McpReply* reply);

  McpRecorder* recorder_;
  async::Clock* clock_;
  async::Channel<Event> events_{kMcpRelayMessagesMax};
  bool tick_missed_ = false;
};

}  // namespace sluice::ingress
