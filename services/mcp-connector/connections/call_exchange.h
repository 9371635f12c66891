// CallExchange: what is sent to a server for one granted call, and what comes back: the request, as
// often as the server asks for more input, until it has an answer.
#pragma once

#include "services/mcp-connector/connections/granted_call.h"
#include "services/mcp-connector/connections/parked_calls.h"

#include "common/audit/client.h"
#include "common/observability/log.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

class CallExchange {
 public:
  struct Deps {
    async::Clock* clock;
    observability::Log* log;
    audit::Client* audit;
    ParkedCalls* parked;
    // Whether the tool is still the one that was granted.
    std::function<bool(GrantedCall*)> is_still_granted;
  };

  CallExchange(Deps deps, SharedCall call) : deps_(std::move(deps)), call_(std::move(call)) {}

  // Once.
  Async<CallEnd> run();

 private:
  using Event = McpSession::Ticket::Event;

  Async<CallEnd> send();
  Async<CallEnd> exchange();
  Async<CallEnd> subscribe();
  Async<void> follow(McpSession::Ticket* ticket);
  Async<void> take(Event event, McpSession::Ticket* ticket);
  void gather(McpSession::Ticket* ticket);
  void refuse_lacking(McpSession::Ticket* ticket);
  Async<void> ask_pending(McpSession::Ticket* ticket);
  Async<void> reply(McpSession::Ticket* ticket);
  Async<std::optional<CallEnd>> ask_for(InputRequest request);
  [[nodiscard]] std::optional<CallEnd> check(InputRequest* request);
  Async<void> wait_for_input();
  Async<std::optional<CallEnd>> collect(const InputRequest* request);
  Result<void> count_round();
  Async<void> park(std::vector<Question> questions);
  [[nodiscard]] std::optional<std::string> lacking_for(const Question& question) const;
  Async<void> record_input();
  Async<void> record(std::string action, std::string detail, std::string digest);
  [[nodiscard]] Result<std::unique_ptr<McpSession::Ticket>> hand_over() const;
  // Nothing was answered; whether anything was sent before decides what that means.
  [[nodiscard]] CallEnd without_answer(const Error& why) const;

  Deps deps_;
  SharedCall call_;
  std::shared_ptr<ServerConnection> connection_;
  TimePoint deadline_;
  Duration left_{0};  // of the call's own time when it was parked
  TimePoint parked_at_;
  Duration parked_for_{0};
  int rounds_ = 0;
  std::vector<Question> pending_;         // asked and not answered
  TimePoint ask_at_;                      // not before: more may come with what is pending
  std::unique_ptr<async::Timer> asking_;  // at that time
  std::optional<std::string> lacking_;    // capability without which the call cannot go on
  std::map<std::string, std::string, std::less<>> results_;  // for a modern server's next round
};

}  // namespace sluice::mcp_connector
