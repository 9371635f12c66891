// auth.jwt: authorization servers whose access tokens are taken beside virtual keys.
#include "services/policy-engine/config.h"
#include "services/policy-engine/limits.h"

#include "common/http/address_guard.h"

#include <algorithm>
#include <set>

namespace sluice::policy_engine {
namespace {

using config::Section;

constexpr std::size_t kIdBytesMax = 32;
constexpr std::size_t kTenantBytesMax = 64;  // as of keys

bool is_id(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

void read_algorithms(Section& entry, JwtIssuer* issuer) {
  const auto names = entry.list(
      "algorithms",
      {.fallback = std::vector<std::string>{"RS256", "ES256", "EdDSA"},
       .description = "Signature algorithms taken: RS256, ES256, EdDSA."}
  );
  for (const std::string& name : names) {
    if (const auto algorithm = crypto::jws_algorithm_named(name)) {
      issuer->algorithms.push_back(*algorithm);
    } else {
      entry.fault(
          "algorithms",
          "holds \"" + name + R"(", which is not taken; give "RS256", "ES256" or "EdDSA")"
      );
    }
  }
  if (names.empty()) {
    entry.fault("algorithms", "is empty, so no token is valid; name one, or leave it out");
  }
}

void read_scopes(Section& entry, JwtIssuer* issuer) {
  const json::Value scopes = entry.raw(
      "scopes",
      "Scope to the roles it gives; a token needs one of them. Default: {\"sluice:use\": "
      "[\"caller\"], \"sluice:approve\": [\"approver\"], \"sluice:admin\": [\"caller\", "
      "\"admin\"]}."
  );
  if (scopes.is_null()) {
    issuer->scopes = {
        {"sluice:use", {"caller"}},
        {"sluice:approve", {"approver"}},
        {"sluice:admin", {"caller", "admin"}}
    };
    return;
  }
  const json::Object* const members = scopes.as_object();
  if (members == nullptr || members->empty() || members->size() > kScopesMax) {
    entry.fault(
        "scopes",
        "is no object of 1 to " + std::to_string(kScopesMax) +
            " members; give scope: [role, …] pairs"
    );
    return;
  }
  for (const auto& [scope, value] : members->members()) {
    const json::Array* const items = value.as_array();
    std::vector<std::string> roles;
    bool known = items != nullptr && !items->empty();
    for (std::size_t i = 0; known && i < items->size(); ++i) {
      const std::string* const role = (*items)[i].as_string();
      known = role != nullptr && is_role(*role);
      if (known) {
        roles.push_back(*role);
      }
    }
    const bool word = !scope.empty() && std::all_of(scope.begin(), scope.end(), [](char c) {
      return c > ' ' && c < 127 && c != '"' && c != '\\';
    });
    if (!known || !word) {
      entry.fault(
          "scopes",
          "gives \"" + scope +
              R"(" something else than roles; give a list of "caller", "approver" and "admin")"
      );
      continue;
    }
    issuer->scopes.emplace(scope, std::move(roles));
  }
}

void read_networks(Section& entry, JwtIssuer* issuer) {
  issuer->allowed_private_networks = entry.list(
      "allowed_private_networks",
      {.fallback = std::vector<std::string>(),
       .description = "Networks beside the public Internet where its keys may be fetched, such as "
                      "10.0.0.0/8; http:// needs one too."}
  );
  const auto guard = http::AddressGuard::make(issuer->allowed_private_networks, "");
  if (!guard.ok()) {
    entry.fault("allowed_private_networks", guard.error().message());
  }
  const bool plain =
      issuer->issuer.starts_with("http://") || issuer->jwks_url.starts_with("http://");
  if (plain && issuer->allowed_private_networks.empty()) {
    entry.warn(
        "allowed_private_networks",
        "is empty, so nothing is fetched from a http:// URL; use https://, or give the network of "
        "the issuer, such as \"127.0.0.0/8\""
    );
  }
}

JwtIssuer read_issuer(Section& entry) {
  JwtIssuer issuer;
  const std::string id = entry.text(
      "id",
      {.fallback = std::nullopt,
       .choices = {},
       .description = "Names the issuer in principals and records; [A-Za-z0-9_.-]{1,32}."}
  );
  if (!is_id(id, kIdBytesMax)) {
    entry.fault("id", "does not match [A-Za-z0-9_.-]{1,32}; give such an id");
  }
  issuer.caller.id = "jwt:" + id;
  issuer.issuer = entry.text(
      "issuer",
      {.fallback = std::nullopt,
       .choices = {},
       .description = "URL of the authorization server, exactly as its tokens have it in iss."}
  );
  issuer.jwks_url = entry.text(
      "jwks_url",
      {.fallback = "",
       .choices = {},
       .description = "Where its public keys are; empty: as its metadata say."}
  );
  issuer.audience = entry.text(
      "audience",
      {.fallback = std::nullopt,
       .choices = {},
       .description = "What tokens must name in aud: this gateway, as <http.public_url>/mcp."}
  );
  if (!is_url(issuer.issuer)) {
    entry.fault("issuer", "is no http(s) URL; give the issuer's, such as https://login.example");
  }
  if (!issuer.jwks_url.empty() && !is_url(issuer.jwks_url)) {
    entry.fault("jwks_url", "is no http(s) URL; correct it, or leave it out");
  }
  if (issuer.audience.empty() || issuer.audience.size() > kUrlBytesMax) {
    entry.fault("audience", "is empty or too long; give the URI of this gateway");
  }
  issuer.principal_claim = entry.text(
      "principal_claim",
      {.fallback = "sub",
       .choices = {},
       .description = "Claim that says who it is; the principal is jwt:<id>:<claim>."}
  );
  issuer.caller.tenant = entry.text(
      "tenant",
      {.fallback = "default", .choices = {}, .description = "Tenant its callers belong to."}
  );
  if (!is_id(issuer.caller.tenant, kTenantBytesMax)) {
    entry.fault("tenant", "does not match [A-Za-z0-9_.-]{1,64}; give such a name");
  }
  read_algorithms(entry, &issuer);
  read_scopes(entry, &issuer);
  read_networks(entry, &issuer);
  return issuer;
}

}  // namespace

bool is_url(std::string_view text) {
  const bool scheme = text.starts_with("https://") || text.starts_with("http://");
  return scheme && text.size() <= kUrlBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; }) &&
         text.find('#') == std::string_view::npos;
}

std::vector<JwtIssuer> read_jwt_issuers(Section& auth) {
  auto entries = auth.children("jwt");
  if (entries.size() > kIssuersMax) {
    auth.fault("jwt", "has more than " + std::to_string(kIssuersMax) + " issuers; give fewer");
  }
  std::vector<JwtIssuer> issuers;
  std::set<std::string> ids;
  std::set<std::string> urls;
  for (Section& entry : entries) {
    JwtIssuer issuer = read_issuer(entry);
    if (!ids.insert(issuer.caller.id).second) {
      entry.fault("id", "is used by another issuer; give each its own id");
    }
    if (!urls.insert(issuer.issuer).second) {
      entry.fault("issuer", "is given twice; keep one of them");
    }
    issuers.push_back(std::move(issuer));
  }
  return issuers;
}

}  // namespace sluice::policy_engine
