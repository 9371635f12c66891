#include "services/mcp-connector/oauth/tokens.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/oauth/pkce.h"

#include "common/json/parse.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr int kTooManyRequests = 429;
constexpr int kServerErrors = 500;

// Completed with the client's own proof and the resource.
TokenRequest request_of(Parameters parameters, const Tokens& tokens) {
  parameters.emplace_back("resource", tokens.resource);
  TokenRequest request;
  const Client& client = tokens.client;
  if (client.auth == ClientAuth::Basic) {
    request.authorization =
        "Basic " +
        to_base64(percent_encoded(client.id) + ":" + percent_encoded(client.secret.reveal()));
  } else {
    parameters.emplace_back("client_id", client.id);
  }
  if (client.auth == ClientAuth::Post) {
    parameters.emplace_back("client_secret", client.secret.reveal());
  }
  request.body = form(parameters);
  return request;
}

Error refusal(int status, const std::string& error) {
  if (status >= kServerErrors || status == kTooManyRequests) {
    return Error(
        Code::Unavailable,
        "the authorization server answered with HTTP status " + std::to_string(status) +
            "; it is asked again later"
    );
  }
  if (error == "invalid_grant") {
    return Error(
        Code::Unauthenticated, "the authorization has ended; a person has to give it again"
    );
  }
  if (error == "invalid_client") {
    return Error(
        Code::Conflict,
        "the authorization server does not accept this gateway as a client; check "
        "oauth_config.client_id and client_secret, or authorize again"
    );
  }
  // RFC 6749 section 5.2: the other values that have a meaning. Others are not shown.
  for (const auto* known :
       {"invalid_request",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target"}) {
    if (error == known) {
      return Error(
          Code::Denied,
          "the authorization server refuses a token (" + error +
              "); check oauth_config, or ask its operator"
      );
    }
  }
  return Error(
      Code::Denied,
      "the authorization server refuses a token with HTTP status " + std::to_string(status) +
          "; check oauth_config, or ask its operator"
  );
}

bool is_header_safe(std::string_view token) {
  return !token.empty() && token.size() <= kTokenBytesMax &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_bearer(std::string type) {
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type == "bearer";
}

}  // namespace

std::string authorization_url(
    const Pending& pending, const IssuerMetadata& metadata, const std::string& state
) {
  Parameters parameters{
      {"response_type", "code"},
      {"client_id", pending.tokens.client.id},
      {"redirect_uri", pending.redirect_uri},
      {"state", state},
      {"code_challenge", challenge_of(pending.verifier)},
      {"code_challenge_method", "S256"},
      {"resource", pending.tokens.resource},
  };
  if (!pending.tokens.scopes.empty()) {
    parameters.emplace_back("scope", joined(pending.tokens.scopes));
  }
  if (contains(pending.tokens.scopes, "offline_access")) {
    // OpenID Connect Core 1.0 section 11: without it the scope is to be ignored.
    parameters.emplace_back("prompt", "consent");
  }
  return with_parameters(metadata.authorization_endpoint, parameters);
}

Result<void> check_answer(const Answer& answer, const Pending& pending) {
  const bool is_missing = answer.issuer.empty();
  if (is_missing ? pending.expects_issuer : answer.issuer != pending.tokens.issuer) {
    return Error(
        Code::Denied,
        "the answer does not come from the authorization server that was asked, so it is not used; "
        "begin the authorization anew, and ask the server's operator if this happens again"
    );
  }
  if (!answer.error.empty() || answer.code.empty()) {
    return Error(
        Code::Denied,
        answer.error == "access_denied"
            ? "the authorization was refused; begin it anew to try again"
            : "the authorization server gave no authorization; begin it anew to try again"
    );
  }
  return {};
}

TokenRequest redeem_request(const Pending& pending, const std::string& code) {
  return request_of(
      {{"grant_type", "authorization_code"},
       {"code", code},
       {"redirect_uri", pending.redirect_uri},
       {"code_verifier", pending.verifier}},
      pending.tokens
  );
}

TokenRequest refresh_request(const Tokens& tokens) {
  return request_of(
      {{"grant_type", "refresh_token"}, {"refresh_token", tokens.refresh.reveal()}}, tokens
  );
}

TokenRequest client_credentials_request(const Tokens& tokens) {
  Parameters parameters{{"grant_type", "client_credentials"}};
  if (!tokens.scopes.empty()) {
    parameters.emplace_back("scope", joined(tokens.scopes));
  }
  return request_of(std::move(parameters), tokens);
}

Result<Tokens> parse_token_response(
    int status, std::string_view body, Tokens tokens, std::int64_t now_unix_ms
) {
  const auto document = json::parse(body, {.depth_max = 64, .bytes_max = kBodyBytesMax});
  const bool is_object = document.ok() && document.value().is_object();
  if (status < 200 || status >= 300) {
    return refusal(status, is_object ? document.value().text_or("error", "") : "");
  }
  std::string access = is_object ? document.value().text_or("access_token", "") : "";
  if (!is_header_safe(access) || !is_bearer(document.value().text_or("token_type", ""))) {
    return Error(
        Code::Invalid, "the authorization server answered without a Bearer token; ask its operator"
    );
  }
  tokens.access = Secret<std::string>(std::move(access));
  // A refresh token that is not replaced stays good (RFC 6749 section 6).
  std::string refresh = document.value().text_or("refresh_token", "");
  if (!refresh.empty() && refresh.size() <= kTokenBytesMax) {
    tokens.refresh = Secret<std::string>(std::move(refresh));
  }
  const json::Value* expires = document.value().find("expires_in");
  const std::int64_t seconds = expires == nullptr ? 0 : expires->as_int().value_or(0);
  tokens.expires_unix_ms =
      seconds <= 0 ? 0
                   : now_unix_ms + std::min<std::int64_t>(seconds, kTokenSecondsMax) * kMsPerSecond;
  return tokens;
}

}  // namespace sluice::mcp_connector::oauth
