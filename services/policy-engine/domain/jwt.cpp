#include "services/policy-engine/domain/jwt.h"

#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/json/parse.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace sluice::policy_engine {
namespace {

// RFC 9068 section 2.1; servers that say "JWT" or nothing are common.
constexpr std::array<std::string_view, 3> kTypes{"", "jwt", "at+jwt"};
constexpr std::string_view kMediaType = "application/";
constexpr double kSecondsMax = 1e11;  // the year 5138; milliseconds of it fit everywhere

Error refused(std::string message) {
  return Error(
      Code::Unauthenticated, std::move(message) + "; get a token for this gateway and send it"
  );
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

Result<json::Value> object_of(std::string_view base64url) {
  SLUICE_TRY(const std::string text, from_base64url(base64url));
  SLUICE_TRY(
      json::Value value,
      json::parse(text, {.depth_max = kJwtDepthMax, .bytes_max = kCredentialBytesMax})
  );
  if (!value.is_object()) {
    return Error(Code::Invalid, "not an object");
  }
  return value;
}

bool is_access_token_type(const json::Value& header) {
  const json::Value* const member = header.find("typ");
  if (member == nullptr) {
    return true;
  }
  if (!member->is_string()) {
    return false;
  }
  const std::string lower = lower_case(*member->as_string());
  std::string_view type = lower;
  if (type.starts_with(kMediaType)) {
    type.remove_prefix(kMediaType.size());
  }
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// Unix milliseconds of a NumericDate, which may have a fraction. Errors: Unauthenticated.
Result<std::optional<std::int64_t>> time_of(const json::Value& claims, std::string_view name) {
  const json::Value* const member = claims.find(name);
  if (member == nullptr) {
    return std::optional<std::int64_t>();
  }
  const std::optional<double> seconds = member->is_number() ? member->as_double() : std::nullopt;
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0 || *seconds > kSecondsMax) {
    return refused("the token's \"" + std::string(name) + "\" is no time");
  }
  return std::optional<std::int64_t>(static_cast<std::int64_t>(*seconds * 1000));
}

// A text, or one of a list of texts.
bool holds(const json::Value* member, std::string_view wanted) {
  if (member == nullptr) {
    return false;
  }
  if (const std::string* const text = member->as_string()) {
    return *text == wanted;
  }
  const json::Array* const items = member->as_array();
  return items != nullptr && std::any_of(items->begin(), items->end(), [&](const auto& item) {
           const std::string* const text = item.as_string();
           return text != nullptr && *text == wanted;
         });
}

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= kSubjectBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127; });
}

void add_words(std::string_view text, std::set<std::string, std::less<>>* words) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!word.empty()) {
      words->emplace(word);
    }
  }
}

}  // namespace

bool looks_like_jwt(std::string_view credential) {
  return credential.starts_with("eyJ") &&
         std::count(credential.begin(), credential.end(), '.') == 2;
}

Result<Jwt> parse_jwt(std::string_view credential) {
  if (!looks_like_jwt(credential)) {
    return refused("the token does not have the three parts of a signed JWT");
  }
  const auto first = credential.find('.');
  const auto second = credential.find('.', first + 1);
  const auto header = object_of(credential.substr(0, first));
  auto claims = object_of(credential.substr(first + 1, second - first - 1));
  auto signature = from_base64url(credential.substr(second + 1));
  if (!header.ok() || !claims.ok() || !signature.ok()) {
    return refused("the token is malformed");
  }
  const auto algorithm = crypto::jws_algorithm_named(header.value().text_or("alg", ""));
  if (!algorithm) {
    return refused("the token's algorithm is not RS256, ES256 or EdDSA");
  }
  if (header.value().find("crit") != nullptr) {
    return refused("the token needs an extension that is not known here");
  }
  if (!is_access_token_type(header.value())) {
    return refused("the token is no access token by its type");
  }
  Jwt jwt;
  jwt.algorithm = *algorithm;
  jwt.key_id = header.value().text_or("kid", "");
  jwt.signed_part = std::string(credential.substr(0, second));
  jwt.signature = std::move(signature).value();
  jwt.claims = std::move(claims).value();
  jwt.issuer = jwt.claims.text_or("iss", "");
  return jwt;
}

Result<JwtCaller> check_claims(const JwtIssuer& issuer, const Jwt& jwt, std::int64_t now_unix_ms) {
  if (jwt.issuer != issuer.issuer) {
    return refused("the token's issuer is not known here");
  }
  if (!holds(jwt.claims.find("aud"), issuer.audience)) {
    return refused("the token is for somebody else by its audience");
  }
  SLUICE_TRY(const auto expires, time_of(jwt.claims, "exp"));
  SLUICE_TRY(const auto begins, time_of(jwt.claims, "nbf"));
  if (!expires) {
    return refused("the token has no end");
  }
  if (now_unix_ms >= *expires + kJwtLeewayMs) {
    return refused("the token has expired");
  }
  if (begins && now_unix_ms < *begins - kJwtLeewayMs) {
    return refused("the token is not valid yet");
  }
  const std::string subject = jwt.claims.text_or(issuer.principal_claim, "");
  if (!is_subject(subject)) {
    return refused(
        "the token's \"" + issuer.principal_claim + "\" is missing, or is no text of 1 to " +
        std::to_string(kSubjectBytesMax) + " printable ASCII characters"
    );
  }
  return JwtCaller{
      .principal = issuer.caller.id + ":" + subject,
      // In the leeway after its end a token serves those whose clocks are behind, for as long as
      // the leeway lasts.
      .ends_unix_ms = now_unix_ms < *expires ? *expires : *expires + kJwtLeewayMs,
  };
}

std::vector<std::string> roles_of(const JwtIssuer& issuer, const Jwt& jwt) {
  std::set<std::string, std::less<>> scopes;
  for (const std::string_view name : {"scope", "scp"}) {
    const json::Value* const member = jwt.claims.find(name);
    if (member == nullptr) {
      continue;
    }
    if (const std::string* const text = member->as_string()) {
      add_words(*text, &scopes);
    } else if (const json::Array* const items = member->as_array()) {
      for (const json::Value& item : *items) {
        add_words(item.as_string() == nullptr ? "" : *item.as_string(), &scopes);
      }
    }
  }
  std::set<std::string, std::less<>> roles;
  for (const auto& [scope, given] : issuer.scopes) {
    if (scopes.contains(scope)) {
      roles.insert(given.begin(), given.end());
    }
  }
  return {roles.begin(), roles.end()};
}

}  // namespace sluice::policy_engine
