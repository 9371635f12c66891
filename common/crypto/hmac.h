// HMAC-SHA256 (RFC 2104, FIPS 198-1).
#pragma once

#include "common/base/secret.h"

#include <string>
#include <string_view>

namespace sluice::crypto {

// 32 raw bytes. key: of any length.
[[nodiscard]] std::string hmac_sha256(const Secret<std::string>& key, std::string_view message);

}  // namespace sluice::crypto
