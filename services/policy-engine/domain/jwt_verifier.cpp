#include "services/policy-engine/domain/jwt_verifier.h"

#include "services/policy-engine/limits.h"

#include "common/async/deadline.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

Error no_keys() {
  return Error(
             Code::Unavailable,
             "the keys of the token's issuer cannot be read at the moment; try again later"
  )
      .with_retry_after(kJwksFetchInterval);
}

// A token without a key id is tried with every key of its algorithm.
bool may_be_of(const PublishedKey& key, const Jwt& jwt) {
  return key.key.algorithm() == jwt.algorithm && (jwt.key_id.empty() || key.id == jwt.key_id);
}

bool has_key_for(const std::vector<PublishedKey>& keys, const Jwt& jwt) {
  return std::any_of(keys.begin(), keys.end(), [&jwt](const PublishedKey& key) {
    return may_be_of(key, jwt);
  });
}

// Keys of an issuer whose settings name another source now are fetched from there.
std::string source_of(const JwtIssuer& issuer) {
  return issuer.issuer + " " + issuer.jwks_url;
}

}  // namespace

Async<VerifiedJwt> JwtVerifier::verify(
    const Policy* policy, std::string credential, RequestContext context
) {
  SLUICE_CO_TRY(const Jwt jwt, parse_jwt(credential));
  const JwtIssuer* const issuer = policy->jwt_issuer_named(jwt.issuer);
  if (issuer == nullptr) {
    co_return Error(Code::Unauthenticated, "the token's issuer is not known here");
  }
  const auto& allowed = issuer->algorithms;
  if (std::find(allowed.begin(), allowed.end(), jwt.algorithm) == allowed.end()) {
    co_return Error(Code::Unauthenticated, "the token's algorithm is not allowed for its issuer");
  }
  // Before the keys: what cannot be valid asks nobody.
  SLUICE_CO_TRY(JwtCaller caller, check_claims(*issuer, jwt, deps_.clock->unix_ms()));
  SLUICE_CO_CHECK_OK(co_await ensure_keys(issuer, &jwt, std::move(context)));
  const std::vector<PublishedKey>& keys = known_[source_of(*issuer)].keys;
  if (!std::any_of(keys.begin(), keys.end(), [&jwt](const PublishedKey& key) {
        return may_be_of(key, jwt) && key.key.verify(jwt.signed_part, jwt.signature);
      })) {
    co_return Error(Code::Unauthenticated, "the token is not signed by a key of its issuer");
  }
  VerifiedJwt verified;
  verified.issuer = issuer;
  verified.principal = std::move(caller.principal);
  verified.roles = roles_of(*issuer, jwt);
  verified.ends_unix_ms = caller.ends_unix_ms;
  if (verified.roles.empty()) {
    co_return Error(
        Code::Denied, "the token has no scope that this gateway asks for; get one with more scopes"
    );
  }
  co_return verified;
}

Async<void> JwtVerifier::ensure_keys(
    const JwtIssuer* issuer, const Jwt* jwt, RequestContext context
) {
  Known* const known = &known_[source_of(*issuer)];
  const TimePoint now = deps_.clock->now();
  const Duration age = now - known->fetched_at;
  if (known->keys.empty() || age >= kJwksAgeMax) {
    if (!known->fetching && !may_try(*known)) {
      co_return no_keys();
    }
    co_return co_await await_fetch(issuer, known, std::move(context));
  }
  if (!has_key_for(known->keys, *jwt) && (known->fetching || may_try(*known))) {
    co_return co_await await_fetch(issuer, known, std::move(context));
  }
  if (age >= kJwksRefreshAfter && may_try(*known)) {
    start_fetch(*issuer, known);
  }
  co_return Result<void>();
}

bool JwtVerifier::may_try(const Known& known) const {
  return !known.tried_at || deps_.clock->now() - *known.tried_at >= kJwksFetchInterval;
}

Async<void> JwtVerifier::await_fetch(
    const JwtIssuer* issuer, Known* known, RequestContext context
) {
  if (known->waiters.size() >= kJwksWaitersMax) {
    co_return Error(
        Code::Exhausted,
        "too many requests wait for the keys of the token's issuer; try again later"
    );
  }
  async::OneShot<void> done;
  known->waiters.push_back(&done);  // before the fetch: a task may run to its end inside spawn()
  start_fetch(*issuer, known);
  const auto result = co_await async::with_deadline(deps_.clock, context.deadline, done.wait());
  known->waiters.remove(&done);
  if (!result.ok() && result.error().code() != Code::Cancelled) {
    co_return no_keys();
  }
  co_return result;
}

void JwtVerifier::start_fetch(const JwtIssuer& issuer, Known* known) {
  if (!known->fetching) {
    known->fetching = true;
    known->tried_at = deps_.clock->now();
    deps_.tasks->spawn("jwks-fetch", fetch(issuer, known));
  }
}

Async<void> JwtVerifier::fetch(JwtIssuer issuer, Known* known) {
  const auto text = co_await deps_.keys->fetch(issuer, deps_.clock->now() + kJwksTimeout);
  auto keys =
      text.ok() ? parse_jwks(text.value()) : Result<std::vector<PublishedKey>>(text.error());
  known->fetching = false;
  Result<void> result;
  if (keys.ok()) {
    known->keys = std::move(keys).value();
    known->fetched_at = deps_.clock->now();
  } else {
    deps_.log->warn(
        "jwks-fetch-failed", {{"issuer", issuer.issuer}, {"error", keys.error().to_log()}}
    );
    result = keys.error();
  }
  for (auto* const waiter : std::exchange(known->waiters, {})) {
    waiter->set(result);
  }
  co_return Result<void>();
}

}  // namespace sluice::policy_engine
