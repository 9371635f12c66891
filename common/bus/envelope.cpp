#include "common/bus/envelope.h"

#include "common/bus/limits.h"

#include <algorithm>
#include <limits>

namespace sluice::bus {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::uint32_t read_length(std::string_view bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = kLengthBytes; i > 0; --i) {
    length = (length << 8U) | static_cast<unsigned char>(bytes[i - 1]);
  }
  return length;
}

std::uint32_t milliseconds_until(TimePoint when, TimePoint now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now).count();
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, kMost));
}

// Cuts at a character's start, because protobuf strings are UTF-8.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMessageBytesMax) {
    return text;
  }
  std::size_t end = kMessageBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace

Result<Frame> parse_frame(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return Error(Code::Invalid, "a frame starts with four bytes of length");
  }
  const std::size_t length = read_length(bytes);
  bytes.remove_prefix(kLengthBytes);
  if (length > kEnvelopeBytesMax || length > bytes.size()) {
    return Error(Code::Invalid, "a frame's envelope is longer than the frame or its limit");
  }
  Frame frame;
  if (!frame.envelope.ParseFromArray(bytes.data(), static_cast<int>(length))) {
    return Error(Code::Invalid, "a frame's envelope could not be read");
  }
  frame.payload = bytes.substr(length);
  return frame;
}

void append_frame(
    std::string& out, const common::v1::Envelope& envelope, std::string_view payload
) {
  const std::size_t length = envelope.ByteSizeLong();
  const std::size_t start = out.size();
  out.resize(start + kLengthBytes + length);
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out[start + i] = static_cast<char>((length >> (8U * i)) & 0xFFU);
  }
  envelope.SerializeWithCachedSizesToArray(
      reinterpret_cast<std::uint8_t*>(out.data() + start + kLengthBytes)
  );
  out.append(payload);
}

Error error_of(const common::v1::Envelope& envelope) {
  const auto number = envelope.code();
  const bool known = std::any_of(kAllCodes.begin(), kAllCodes.end(), [number](Code code) {
    return static_cast<std::uint32_t>(code) == number;
  });
  Error error(known ? static_cast<Code>(number) : Code::Internal, envelope.message());
  if (envelope.retry_after_ms() > 0) {
    return std::move(error).with_retry_after(std::chrono::milliseconds(envelope.retry_after_ms()));
  }
  return error;
}

void set_error(common::v1::Envelope& envelope, const Error& error) {
  envelope.set_code(static_cast<std::uint32_t>(error.code()));
  envelope.set_message(std::string(shortened(error.message())));
  if (const auto wait = error.retry_after()) {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    envelope.set_retry_after_ms(
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(wait->count(), 0, kMost))
    );
  }
}

void set_context(common::v1::Envelope& envelope, const RequestContext& context, TimePoint now) {
  envelope.set_remaining_ms(milliseconds_until(context.deadline, now));
  envelope.set_request_id(context.request.str());
  envelope.set_chain_id(context.chain.str());
  envelope.set_run_id(context.run.str());
  envelope.set_hop(context.hop);
  envelope.set_tenant(context.tenant.str());
  envelope.set_principal(context.principal.str());
  envelope.set_trace_parent(context.trace_parent);
  envelope.set_caller_token(context.caller_token);
}

RequestContext context_of(const common::v1::Envelope& envelope, TimePoint now) {
  RequestContext context;
  context.request = RequestId(envelope.request_id());
  context.chain = ChainId(envelope.chain_id());
  context.run = RunId(envelope.run_id());
  context.hop = envelope.hop();
  context.tenant = TenantId(envelope.tenant());
  context.principal = PrincipalId(envelope.principal());
  context.deadline = now + std::chrono::milliseconds(envelope.remaining_ms());
  context.trace_parent = envelope.trace_parent();
  context.caller_token = envelope.caller_token();
  return context;
}

}  // namespace sluice::bus
