// ChatRecords: what the answers of a model leave behind: records, counted tokens, and which
// conversation the suggested calls belong to.
#pragma once

#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/chat_turn.h"
#include "services/ingress/domain/token_meter.h"
#include "services/ingress/domain/trail.h"

#include "common/observability/metrics.h"

#include <string>

namespace sluice::ingress {

class ChatRecords {
 public:
  struct Deps {
    Trail* trail;  // all outlive it
    ChainFinder* chains;
    audit::Client* audit;
    observability::Metrics* metrics;
  };

  explicit ChatRecords(Deps deps) : deps_(deps), tokens_(deps.metrics) {}

  // The model answered. Errors: Unavailable (the outbox is full).
  Result<void> answered(
      const provider::v1::ChatFinal& final, const std::string& answer_digest, const ChatTurn& turn
  );
  // After answered(), before the answer is finished: keeps which chain the suggested calls belong
  // to, and waits until the records are in the outbox. Errors: Unavailable, Cancelled.
  Async<void> remember(const provider::v1::ChatFinal* final, const ChatTurn* turn);
  // The chat ended without an answer. Errors: Unavailable.
  Result<void> failed(const Error& error, const ChatTurn& turn);

 private:
  Deps deps_;
  TokenMeter tokens_;
};

}  // namespace sluice::ingress
