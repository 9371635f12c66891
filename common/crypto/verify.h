// One way to check a signature, for every kind of key. Internal to this folder.
#pragma once

#include <string_view>

struct evp_pkey_st;
struct evp_md_st;

namespace sluice::crypto {

// Whether the signature is the key's over the message. digest: nullptr where the algorithm hashes
// by itself. RSA's padding is PKCS #1 v1.5.
[[nodiscard]] bool is_signature_of(
    evp_pkey_st* key, const evp_md_st* digest, std::string_view message, std::string_view signature
);

}  // namespace sluice::crypto
