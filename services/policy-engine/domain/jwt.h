// Access tokens of authorization servers (RFC 7519, 9068): what is read from one, and whether its
// claims hold. Pure; whether its signature holds is jwt_verifier.h.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include "common/base/result.h"
#include "common/json/value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// Read, and nothing of it verified.
struct Jwt {
  crypto::JwsAlgorithm algorithm{};
  std::string key_id;  // "": none
  std::string signed_part;
  std::string signature;
  std::string issuer;
  json::Value claims;  // an object
};

// Three parts of which the first begins as a JSON object does. Virtual keys have no dots.
[[nodiscard]] bool looks_like_jwt(std::string_view credential);

// Errors: Unauthenticated (malformed; an algorithm that is none of crypto's, such as "none" and
// HS256; a type that is no access token's; a critical extension).
[[nodiscard]] Result<Jwt> parse_jwt(std::string_view credential);

struct JwtCaller {
  std::string principal;  // "jwt:<issuer id>:<subject>"
  std::int64_t ends_unix_ms = 0;
};

// Audience, times and principal of a token of that issuer. Errors: Unauthenticated.
[[nodiscard]] Result<JwtCaller> check_claims(
    const JwtIssuer& issuer, const Jwt& jwt, std::int64_t now_unix_ms
);

// What the token's scopes (claim "scope" or "scp") make of its caller; sorted.
[[nodiscard]] std::vector<std::string> roles_of(const JwtIssuer& issuer, const Jwt& jwt);

}  // namespace sluice::policy_engine
