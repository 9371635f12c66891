// Sampler: answers servers that ask for a model during a request whose client has none, with a
// model of the gateway, where the operator allows it (mcp.sampling). The model is asked as the
// caller would ask it: under its identity, in its conversation, with records in the trail.
#pragma once

#include "services/ingress/domain/chat_records.h"
#include "services/ingress/domain/mcp_input.h"
#include "services/ingress/domain/sampling.h"
#include "services/ingress/domain/trail.h"
#include "services/ingress/ports.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

class Sampler {
 public:
  struct Deps {
    ProviderRouter* provider;  // all outlive it
    Trail* trail;
    ChainFinder* chains;
    audit::Client* audit;
    observability::Metrics* metrics;
    const SamplingSettings* settings;
  };

  explicit Sampler(Deps deps)
      : deps_(deps),
        records_(
            {.trail = deps.trail,
             .chains = deps.chains,
             .audit = deps.audit,
             .metrics = deps.metrics}
        ) {}

  [[nodiscard]] bool serves(std::string_view server) const {
    return deps_.settings->serves(server);
  }

  // Whether this gateway answers a question of that server, whose client declared these
  // capabilities.
  [[nodiscard]] bool answers(
      std::string_view server, std::string_view capabilities, const Question& question
  ) const;
  // What that server is told of its client: that, and sampling where it is answered here. method:
  // of the request during which it may ask.
  [[nodiscard]] std::string capabilities_for(
      std::string_view server, std::string_view method, const std::string& capabilities
  ) const;

  // One answer: {"result":…} or {"error":…}. context: of the request, with its deadline. Errors:
  // Cancelled.
  Async<std::string> answer(
      std::string server, Question question, CallerPtr caller, RequestContext context
  );

 private:
  Async<std::string> ask(std::string server, std::string body, ChatTurn turn);

  Deps deps_;
  ChatRecords records_;
};

}  // namespace sluice::ingress
