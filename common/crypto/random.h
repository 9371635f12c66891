// Random bytes and the ids made of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::crypto {

// Of the operating system's generator; aborts when it fails.
[[nodiscard]] std::string random_bytes(std::size_t count);
[[nodiscard]] std::uint64_t random_u64();
// RFC 9562 UUID version 7 in canonical text form; ids of one process made in the same millisecond
// still ascend.
[[nodiscard]] std::string uuid_v7(std::int64_t unix_ms);
// The millisecond inside a UUIDv7, or -1 when the text is not one.
[[nodiscard]] std::int64_t uuid_v7_unix_ms(std::string_view text);

}  // namespace sluice::crypto
