#include "services/policy-engine/domain/jwks.h"

#include "services/policy-engine/limits.h"

#include "common/base/bytes.h"
#include "common/json/parse.h"

#include <optional>
#include <utility>

namespace sluice::policy_engine {
namespace {

constexpr std::string_view kOAuth = "/.well-known/oauth-authorization-server";
constexpr std::string_view kOpenId = "/.well-known/openid-configuration";

Result<json::Value> parse_document(std::string_view text) {
  return json::parse(text, {.depth_max = kJwtDepthMax, .bytes_max = kJwksBytesMax});
}

// Absent members are "", which no key has.
Result<std::string> bytes_of(const json::Value& jwk, std::string_view member) {
  return from_base64url(jwk.text_or(member, ""));
}

Result<crypto::JwsKey> key_of(const json::Value& jwk) {
  const std::string type = jwk.text_or("kty", "");
  const std::string curve = jwk.text_or("crv", "");
  if (type == "RSA") {
    SLUICE_TRY(const std::string n, bytes_of(jwk, "n"));
    SLUICE_TRY(const std::string e, bytes_of(jwk, "e"));
    return crypto::JwsKey::rsa(n, e);
  }
  if (type == "EC" && curve == "P-256") {
    SLUICE_TRY(const std::string x, bytes_of(jwk, "x"));
    SLUICE_TRY(const std::string y, bytes_of(jwk, "y"));
    return crypto::JwsKey::p256(x, y);
  }
  if (type == "OKP" && curve == "Ed25519") {
    SLUICE_TRY(const std::string x, bytes_of(jwk, "x"));
    return crypto::JwsKey::ed25519(x);
  }
  return Error(Code::Invalid, "a type of key that is not used here");
}

// nullopt for what does not verify signatures here.
std::optional<PublishedKey> usable(const json::Value& jwk) {
  if (!jwk.is_object() || jwk.text_or("use", "sig") != "sig") {
    return std::nullopt;
  }
  auto key = key_of(jwk);
  if (!key.ok() ||
      jwk.text_or("alg", name_of(key.value().algorithm())) != name_of(key.value().algorithm())) {
    return std::nullopt;
  }
  return PublishedKey{.id = jwk.text_or("kid", ""), .key = std::move(key).value()};
}

}  // namespace

Result<std::vector<PublishedKey>> parse_jwks(std::string_view text) {
  const auto document = parse_document(text);
  const json::Value* const member = document.ok() ? document.value().find("keys") : nullptr;
  const json::Array* const items = member == nullptr ? nullptr : member->as_array();
  if (items == nullptr || items->size() > kJwksKeysMax) {
    return Error(Code::Invalid, "the issuer's keys are no JWK Set, or too many");
  }
  std::vector<PublishedKey> keys;
  for (const json::Value& jwk : *items) {
    if (auto key = usable(jwk)) {
      keys.push_back(std::move(*key));
    }
  }
  if (keys.empty()) {
    return Error(Code::Invalid, "the issuer has no RS256, ES256 or EdDSA key");
  }
  return keys;
}

std::vector<std::string> metadata_urls(std::string_view issuer) {
  while (issuer.ends_with('/')) {
    issuer.remove_suffix(1);
  }
  const auto host = issuer.find("://");
  const auto slash = host == std::string_view::npos ? host : issuer.find('/', host + 3);
  const std::string origin(issuer.substr(0, slash));
  const std::string path(slash == std::string_view::npos ? "" : issuer.substr(slash));
  std::vector<std::string> urls{
      origin + std::string(kOAuth) + path, origin + std::string(kOpenId) + path
  };
  if (!path.empty()) {
    urls.push_back(origin + path + std::string(kOpenId));
  }
  return urls;
}

Result<std::string> jwks_url_of(std::string_view metadata, std::string_view issuer) {
  const auto document = parse_document(metadata);
  if (!document.ok() || document.value().text_or("issuer", "") != issuer) {
    return Error(Code::Invalid, "the metadata found are not those of this issuer");
  }
  std::string url = document.value().text_or("jwks_uri", "");
  if (url.empty()) {
    return Error(Code::Invalid, "the issuer's metadata name no jwks_uri");
  }
  return url;
}

}  // namespace sluice::policy_engine
