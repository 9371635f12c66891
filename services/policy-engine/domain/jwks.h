// Public keys of an authorization server (RFC 7517), and where they are found (RFC 8414, OpenID
// Connect Discovery). Pure.
#pragma once

#include "common/base/result.h"
#include "common/crypto/jws_key.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

struct PublishedKey {
  std::string id;  // "": none
  crypto::JwsKey key;
};

// The keys of a JWK Set that verify signatures here; others in it are left out. Errors: Invalid (no
// JWK Set, too many keys, none that can be used).
[[nodiscard]] Result<std::vector<PublishedKey>> parse_jwks(std::string_view text);

// Where the metadata of an issuer may be, in the order to try: RFC 8414 with the path inserted,
// OpenID Connect likewise, OpenID Connect with the path before.
[[nodiscard]] std::vector<std::string> metadata_urls(std::string_view issuer);

// jwks_uri. Errors: Invalid (no metadata, those of another issuer, no jwks_uri).
[[nodiscard]] Result<std::string> jwks_url_of(std::string_view metadata, std::string_view issuer);

}  // namespace sluice::policy_engine
