// Masks what looks like a secret in a body before it leaves the process: members by their names
// (password, api_key, authorization …) and words by their shape (sk-…, ghp_…, JWTs, PEM blocks,
// "Bearer …"). Works on any text in one pass, also on JSON cut off in the middle and on JSON inside
// JSON strings. Defence in depth: it knows common shapes, not every secret.
#pragma once

#include <string>
#include <string_view>

namespace sluice::audit {

inline constexpr std::string_view kMask = "***";

[[nodiscard]] std::string redact(std::string_view text);

// True when a member of that name holds a secret: case, '_', '-' and '.' do not count.
[[nodiscard]] bool is_secret_name(std::string_view name);

// The longest prefix of at most bytes_max bytes that does not cut a UTF-8 sequence.
[[nodiscard]] std::string_view clip_utf8(std::string_view text, std::size_t bytes_max);

}  // namespace sluice::audit
