// AgentLoop: a chat whose tools run by themselves where policy says so: asks the model, carries out
// the calls it suggests, asks again with their results, until it has an answer or somebody else has
// to act. README.md#agent-mode says when it stops and what the answer holds.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/agent_answer.h"
#include "services/ingress/domain/agent_body.h"
#include "services/ingress/domain/agent_events.h"
#include "services/ingress/domain/agent_tools.h"
#include "services/ingress/domain/chat_records.h"
#include "services/ingress/domain/chat_turn.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

class AgentLoop {
 public:
  struct Deps {
    ProviderRouter* provider;  // all outlive the loop
    Admission* admission;
    AgentTools* tools;
    ChatRecords* records;
    async::Clock* clock;
  };

  explicit AgentLoop(Deps deps) : deps_(deps) {}

  // Runs the chat and answers it. body: the request as the provider gets it; turn: with tools, its
  // context with the hop of chat.request.
  //
  // What ends it before a call may have had an effect is not answered here: the result is then the
  // provider's own refusal, or an error (Unavailable, Deadline, Invalid, …), possibly behind some
  // events. After an effect these are answers, so that nobody sends the request again. Cancelled:
  // the client has gone; reads are cancelled, writes run to their end.
  Async<std::optional<provider::v1::ChatFinal>> run(
      ChatTurn* turn, std::string body, http::ResponseWriter* writer
  );

 private:
  using Refusal = std::optional<provider::v1::ChatFinal>;

  struct Chat {
    ChatTurn* turn;
    http::ResponseWriter* writer;
    AgentBody body;
    AgentEvents events;
    AgentReport report;
    json::Value completion;  // plain: the model's last one
    json::Value message;     // the model's last one
    std::string finish_reason;
    json::Array waiting;  // of its calls
    bool effect = false;
  };

  Async<Refusal> drive(Chat* chat);
  // One question to the model; its answer is the chat's message.
  Async<Refusal> ask(Chat* chat, std::string body);
  Async<void> forward(Chat* chat, std::string events);
  // Runs the calls of the chat's message.
  Async<void> run_calls(Chat* chat, std::vector<AgentCall> calls);
  Async<Refusal> break_off(Chat* chat, Error error);
  Async<void> answer(Chat* chat);

  Deps deps_;
};

}  // namespace sluice::ingress
