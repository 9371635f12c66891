// Who calls: credentials out of headers, and the cache of caller tokens that policy-engine signed
// for them.
#pragma once

#include "services/ingress/domain/lru_cache.h"
#include "services/ingress/domain/single_flight.h"
#include "services/ingress/domain/version_watch.h"
#include "services/ingress/ports.h"

#include "common/http/message.h"

#include <memory>
#include <string>

namespace sluice::ingress {

// An authenticated caller. identity is a cache key: equal for callers who see the same.
struct Caller {
  std::string token;  // serialized SignedToken
  policy::v1::CallerClaims claims;
  std::string identity;

  [[nodiscard]] bool has_role(std::string_view role) const;
};

using CallerPtr = std::shared_ptr<const Caller>;

// What follows "Authorization: Bearer ", or a virtual key in x-api-key. Errors: Unauthenticated
// (none, two different ones, too long, an access token elsewhere than in Authorization).
[[nodiscard]] Result<std::string> credential_of(const http::Headers& headers);

// Keeps tokens by SHA-256 of the credential; renews them in the background when less than 15 s
// remain, and blocks only when none is valid. A token made under an older policy version than the
// highest heard is not used, nor is any when policy-engine has been silent for 2 s. Refusals are
// kept for a second.
//
// Errors: Unauthenticated, Unavailable (policy-engine does not answer).
class Authenticator {
 public:
  struct Deps {
    PolicyEngine* policy;  // all outlive the authenticator
    async::Clock* clock;
    const VersionWatch* versions;
    async::TaskGroup* tasks;
  };

  explicit Authenticator(Deps deps);

  // The cached caller, or nullptr. Never waits.
  [[nodiscard]] CallerPtr cached(const std::string& credential, const RequestContext& context);
  Async<CallerPtr> authenticate(
      std::string credential, std::string source_address, RequestContext context
  );
  // The same with a token that is good for at least that long; at most the 60 s of a fresh one.
  Async<CallerPtr> authenticate_for(
      std::chrono::milliseconds lasting,
      std::string credential,
      std::string source_address,
      RequestContext context
  );

 private:
  Async<CallerPtr> fetch(
      std::string digest, std::string credential, std::string source_address, RequestContext context
  );
  SingleFlight<CallerPtr>::Work work(
      const std::string& digest,
      const std::string& credential,
      const std::string& source_address,
      RequestContext context
  );

  Deps deps_;
  LruCache<CallerPtr> callers_;
  LruCache<TimePoint> refused_;  // until when
  SingleFlight<CallerPtr> flights_;
};

}  // namespace sluice::ingress
