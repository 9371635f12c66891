// The frame: 4 bytes little-endian envelope length, envelope, payload. Parsed strictly; fuzzed.
#pragma once

#include "common/async/request_context.h"
#include "common/base/result.h"

#include "proto/sluice/common/v1/envelope.pb.h"

#include <string>
#include <string_view>

namespace sluice::bus {

inline constexpr std::size_t kEnvelopeBytesMax = 16 << 10;

struct Frame {
  common::v1::Envelope envelope;
  std::string_view payload;  // points into the bytes parsed
};

// Errors: Invalid.
[[nodiscard]] Result<Frame> parse_frame(std::string_view bytes);
void append_frame(std::string& out, const common::v1::Envelope& envelope, std::string_view payload);

// Codes to wire and back; an unknown number is Internal.
[[nodiscard]] Error error_of(const common::v1::Envelope& envelope);
void set_error(common::v1::Envelope& envelope, const Error& error);

void set_context(common::v1::Envelope& envelope, const RequestContext& context, TimePoint now);
[[nodiscard]] RequestContext context_of(const common::v1::Envelope& envelope, TimePoint now);

}  // namespace sluice::bus
