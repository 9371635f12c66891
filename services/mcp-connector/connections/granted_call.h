// GrantedCall: one request from admission to answer, over all its streams: the server may ask the
// caller something, which ends a stream but not the call.
#pragma once

#include "services/mcp-connector/connections/leased_server.h"
#include "services/mcp-connector/connections/wakeup.h"
#include "services/mcp-connector/domain/question.h"

#include "common/async/channel.h"
#include "common/async/one_shot.h"
#include "common/bus/bus.h"

#include <memory>
#include <optional>
#include <string>

namespace sluice::mcp_connector {

// Shared by the handlers, which may leave early, and the task that carries it out.
struct GrantedCall {
  // What goes to the caller in one stream.
  struct Round {
    async::Channel<std::string> progress{kProgressQueuedMax};
    async::OneShot<connector::v1::Final> done;
  };

  // The caller's answer to what was asked.
  struct Input {
    Replies replies;
    std::string digest;  // of the responses as they came
    RequestContext context;
  };

  connector::v1::Request request;
  RequestContext context;
  TimePoint received;

  policy::v1::Grant grant;  // verified once grant_verified
  bool grant_verified = false;
  bool grant_fits = false;          // it is for this very request of this caller
  bool form_taken = false;          // nobody else can use this signed form of it
  bool grant_used = false;          // this call has its one use
  policy::v1::CallerClaims claims;  // verified once caller_verified
  bool caller_verified = false;
  std::shared_ptr<LeasedServer> server;  // a removed one lives on until its calls have ended
  std::shared_ptr<const ToolCatalog> catalog;
  const Tool* tool = nullptr;  // in catalog; of a tool call
  std::string named;           // of another request: what Mcp-Name repeats
  ForCaller caller;

  std::string intent_event_id;
  bool intent_recorded = false;
  std::uint32_t hop = 0;  // of the latest record
  TimePoint sent;
  McpSession::Ticket* ticket = nullptr;  // while it waits for the server's answer
  bool given_up = false;
  std::shared_ptr<Round> round = std::make_shared<Round>();

  // While the caller is asked.
  bool parked = false;
  std::unique_ptr<Input> input;       // came, and was not looked at yet
  std::optional<Error> unanswerable;  // no input will come any more
  Wakeup wakeup;                      // of who waits without a ticket

  // Lets the task look at input and unanswerable.
  void wake();
  // The caller left, and the call shall end with it.
  void give_up();
  // Ends the stream of now.
  void end_round(Result<connector::v1::Final> final);
};

using SharedCall = std::shared_ptr<GrantedCall>;

// Writes what comes to the end of the round. Ends with Cancelled when the caller leaves; the call
// itself goes on.
Async<connector::v1::Final> relay(
    std::shared_ptr<GrantedCall::Round> round, bus::ChunkWriter<connector::v1::Progress>* out
);

// What every record of the call says.
[[nodiscard]] audit::v1::Record record_for(const GrantedCall& call, std::string action);

}  // namespace sluice::mcp_connector
