// The name Redis gives a Lua script: SHA-1 of its source (FIPS 180-4) in hex. Names scripts,
// protects nothing.
#pragma once

#include <string>
#include <string_view>

namespace sluice::redis {

[[nodiscard]] std::string script_id(std::string_view source);

}  // namespace sluice::redis
