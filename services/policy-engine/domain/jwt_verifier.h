// JwtVerifier: who the bearer of an authorization server's access token is. Keeps the keys of each
// issuer. Single thread.
#pragma once

#include "services/policy-engine/domain/jwks.h"
#include "services/policy-engine/domain/jwt.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/observability/log.h"

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::policy_engine {

struct VerifiedJwt {
  const JwtIssuer* issuer = nullptr;  // inside the policy it was verified under
  std::string principal;
  std::vector<std::string> roles;  // at least one
  std::int64_t ends_unix_ms = 0;
};

// Keys are fetched when they are first needed and again after kJwksRefreshAfter; until kJwksAgeMax
// the old ones serve while the issuer does not answer, and then no token does. A key that is not
// known makes a fetch too. An issuer is asked at most every kJwksFetchInterval, as a task apart
// from the requests that wait for it. tasks is closed before the verifier is destroyed.
class JwtVerifier {
 public:
  struct Deps {
    KeySets* keys;  // all outlive the verifier
    async::Clock* clock;
    async::TaskGroup* tasks;
    observability::Log* log;
  };

  explicit JwtVerifier(Deps deps) : deps_(deps) {}

  // policy: outlives the call. Errors: Unauthenticated (the message says why), Denied (valid, and
  // no scope of it gives a role), Unavailable (the issuer's keys are not known now), Exhausted.
  Async<VerifiedJwt> verify(const Policy* policy, std::string credential, RequestContext context);

 private:
  struct Known {
    std::vector<PublishedKey> keys;
    TimePoint fetched_at;
    std::optional<TimePoint> tried_at;
    bool fetching = false;
    std::list<async::OneShot<void>*> waiters;
  };

  Async<void> ensure_keys(const JwtIssuer* issuer, const Jwt* jwt, RequestContext context);
  Async<void> await_fetch(const JwtIssuer* issuer, Known* known, RequestContext context);
  void start_fetch(const JwtIssuer& issuer, Known* known);
  Async<void> fetch(JwtIssuer issuer, Known* known);
  [[nodiscard]] bool may_try(const Known& known) const;

  Deps deps_;
  std::map<std::string, Known> known_;  // by issuer and source; as many as the settings have had
};

}  // namespace sluice::policy_engine
