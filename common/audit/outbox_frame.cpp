#include "common/audit/outbox_frame.h"

#include "common/audit/crc32c.h"
#include "common/base/check.h"

#include <cstdint>
#include <cstring>

namespace sluice::audit {
namespace {

void put_u32(char* to, std::uint32_t value) {
  std::memcpy(to, &value, sizeof value);
}

std::uint32_t get_u32(const char* from) {
  std::uint32_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

std::size_t open_frame(std::string& out) {
  const std::size_t begin = out.size();
  out.append(kFrameHeaderBytes, '\0');
  return begin;
}

void close_frame(std::string& out, std::size_t begin) {
  const std::string_view payload = std::string_view(out).substr(begin + kFrameHeaderBytes);
  SLUICE_CHECK(
      !payload.empty() && payload.size() <= kRecordBytesMax,
      "records are bounded before they are framed"
  );
  put_u32(out.data() + begin, static_cast<std::uint32_t>(payload.size()));
  put_u32(out.data() + begin + 4, crc32c(payload));
}

FrameView read_frame(std::string_view bytes) {
  FrameView frame;
  if (bytes.size() < kFrameHeaderBytes) {
    frame.size = kFrameHeaderBytes;
    return frame;
  }
  const std::size_t length = get_u32(bytes.data());
  if (length == 0 || length > kRecordBytesMax) {
    frame.state = FrameState::Damaged;
    return frame;
  }
  frame.size = kFrameHeaderBytes + length;
  if (bytes.size() < frame.size) {
    return frame;
  }
  frame.payload = bytes.substr(kFrameHeaderBytes, length);
  const bool intact = crc32c(frame.payload) == get_u32(bytes.data() + 4);
  frame.state = intact ? FrameState::Whole : FrameState::Damaged;
  return frame;
}

void append_to_batch(std::string& batch, std::string_view record) {
  batch.push_back('\x0A');  // field 1, wire type 2
  std::size_t length = record.size();
  while (length >= 0x80) {
    batch.push_back(static_cast<char>((length & 0x7FU) | 0x80U));
    length >>= 7U;
  }
  batch.push_back(static_cast<char>(length));
  batch.append(record);
}

}  // namespace sluice::audit
