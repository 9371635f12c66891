// McpCalls: requests of legacy MCP clients under way on this replica. A client that leaves does not
// end them, notifications/cancelled does: it may come back for what it missed. What a server asks
// in between goes to the client as a request of ours, and its answer may arrive at any replica.
#pragma once

#include "services/ingress/domain/mcp_event_log.h"
#include "services/ingress/domain/mcp_input.h"
#include "services/ingress/domain/mcp_relay.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/http/message.h"
#include "common/mcp/json_rpc.h"
#include "common/observability/log.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

class McpCalls {
 public:
  struct Deps {
    async::TaskGroup* tasks;  // all outlive it
    OtherReplicas* replicas;
    McpEventLog* events;
    async::Clock* clock;
    observability::Log* log;
  };

  // Does a request and makes its answer; tells through events, which live as long as it runs.
  using Work = std::function<Async<http::HttpResponse>(McpEvents* events)>;

  class Round;  // internal

  explicit McpCalls(Deps deps) : deps_(deps) {}

  McpCalls(const McpCalls&) = delete;
  McpCalls& operator=(const McpCalls&) = delete;
  McpCalls(McpCalls&&) = delete;
  McpCalls& operator=(McpCalls&&) = delete;
  ~McpCalls() = default;

  // One request and where its answer goes.
  struct Start {
    McpSessionOwner by;
    mcp::RpcId id;
    McpResuming resuming = McpResuming::No;
    McpReply* reply = nullptr;
  };

  // Runs work to its end in a task of its own. A request that its client cancelled, and one whose
  // client can resume but reads too slowly, are answered by the end of the stream. Errors:
  // Exhausted (kMcpCallsMax), Cancelled (the client left), those of the work.
  Async<http::HttpResponse> run(Start start, Work work);

  // Asks the client of a request and waits for all answers: responses as of connector.v1.Input.
  // Errors: Deadline (no answer for kMcpAnswerWait), Cancelled (the client left for good, or the
  // request was cancelled).
  Async<std::string> ask(
      McpSessionOwner by,
      std::string capabilities,
      std::vector<Question> questions,
      McpEvents* events,
      TimePoint deadline
  );

  // One question that waits for its answer, while it lives. on_answer: called once.
  class Asked {
   public:
    Asked(
        McpCalls* calls,
        McpSessionOwner by,
        const Question& question,
        std::function<void()> on_answer
    );
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
    Asked(Asked&&) = delete;
    Asked& operator=(Asked&&) = delete;
    ~Asked();

    // Puts it to the client.
    Async<void> send(McpEvents* events);
    // Tells the client that no answer is needed any more.
    Async<void> withdraw(McpEvents* events);
    // {"result":…} or {"error":…}; "" as long as there is none.
    [[nodiscard]] std::string response() const;

   private:
    Question question_;
    std::unique_ptr<Round> round_;
  };

  // Takes a message of a client that is no request: an answer, or notifications/cancelled. What
  // belongs to no request here may belong to one of another replica; other notifications are
  // dropped.
  void take(const McpSessionOwner& by, const mcp::Message& message);
  // The same, from another replica.
  void heard(const v1::ClientMessage& message);

  [[nodiscard]] std::size_t under_way() const { return calls_.size(); }

 private:
  struct Call {
    Call(const Start& start, const Deps& deps);

    std::string owner;
    std::string key;
    McpRecorder recorder;
    McpRelay relay;
    std::string answer_id;  // as an event
    async::TaskGroup::Task task;
    std::optional<Result<http::HttpResponse>> answer;
    bool cancelled = false;  // by its client
  };

  Async<void> carry(std::shared_ptr<Call> call, Work work);
  static Async<void> end_stream(std::shared_ptr<Call> call);
  [[nodiscard]] bool take_here(const McpSessionOwner& by, const mcp::Message& message);
  [[nodiscard]] bool answer(const McpSessionOwner& by, const mcp::Message& message);
  [[nodiscard]] bool cancel(const McpSessionOwner& by, const mcp::Message& notification);

  Deps deps_;
  std::map<std::string, std::shared_ptr<Call>> calls_;  // by owner, session and request id
  std::map<std::string, std::size_t> calls_of_;         // by owner
  std::map<std::string, Round*> questions_;             // by owner, session and id
};

}  // namespace sluice::ingress
