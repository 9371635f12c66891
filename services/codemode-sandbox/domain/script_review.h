// ScriptReview: whether a checked script may run: policy-engine rules on every tool it can call,
// without the arguments, before the first call. Each call is decided again when it is made.
#pragma once

#include "services/codemode-sandbox/domain/run_scope.h"
#include "services/codemode-sandbox/ports.h"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::codemode_sandbox {

// What is done with a script whose calls cannot all be listed. Setting codemode.escapes.
enum class Escapes { Refuse, Ask };

struct ReviewEnd {
  codemode::v1::Outcome outcome = codemode::v1::OUTCOME_OK;  // OK: it may run
  codemode::v1::ScriptError error;                           // else
  std::vector<codemode::v1::CallVerdict> call_set;           // sorted by names in scripts
  std::string run_token;                                     // of a script that may run
};

class ScriptReview {
 public:
  struct Deps {
    PolicyEngine* policy;  // all outlive it
    async::Clock* clock;
    Escapes escapes = Escapes::Refuse;
  };

  explicit ScriptReview(Deps deps) : deps_(deps) {}

  // Sets scope's call set. life: of the run, its waits included. TYPE_ERROR: calls that cannot be
  // listed, which the operator does not allow; DENIED: policy refuses a call; WAITS: unattended,
  // and a call is not automatic. Errors: those of policy-engine; nothing has run then.
  Async<ReviewEnd> review(
      RunScope* scope, const codemode::v1::Check* check, std::chrono::milliseconds life
  );

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
