// Text forms of bytes: hex, base64, base64url. Decoders are strict: any foreign character or bad
// padding is Invalid.
#pragma once

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace sluice {

// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(std::string_view bytes);
// The same into 2 * bytes.size() characters that are there already.
void write_hex(std::string_view bytes, char* to);
[[nodiscard]] Result<std::string> from_hex(std::string_view text);

// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] Result<std::string> from_base64(std::string_view text);

// RFC 4648 section 5, without padding.
[[nodiscard]] std::string to_base64url(std::string_view bytes);
[[nodiscard]] Result<std::string> from_base64url(std::string_view text);

// Same length and same bytes, in time that depends on the length only.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

// True for well-formed UTF-8 without surrogates (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace sluice
