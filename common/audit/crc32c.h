// CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds torn and damaged frames of the outbox. No
// protection against intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::audit {

// By the processor's instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::uint32_t crc32c_by_tables(std::string_view bytes);

}  // namespace sluice::audit
