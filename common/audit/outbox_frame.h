// The outbox file's format, without I/O: frames one after the other. A frame is 4 bytes
// little-endian payload length, 4 bytes little-endian CRC-32C of the payload, then the payload: one
// serialized Record.
#pragma once

#include "common/audit/limits.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::audit {

inline constexpr std::size_t kFrameHeaderBytes = 8;

// Makes room for a frame's header at the end of out; returns where the frame begins. The payload is
// appended by the caller, then close_frame() fills the header.
[[nodiscard]] std::size_t open_frame(std::string& out);
void close_frame(std::string& out, std::size_t begin);

enum class FrameState {
  Whole,
  Incomplete,  // the bytes end before the frame does: more to come, or a torn tail
  Damaged,     // impossible length or wrong checksum
};

struct FrameView {
  FrameState state = FrameState::Incomplete;
  std::string_view payload;  // whole only; points into the bytes read
  std::size_t size = 0;  // whole: of header and payload; incomplete: bytes needed, as far as known
};

// The frame at the start of bytes.
[[nodiscard]] FrameView read_frame(std::string_view bytes);

// Appends one record to a serialized RecordBatch (field 1, length-delimited), so that bytes are
// copied once.
void append_to_batch(std::string& batch, std::string_view record);

}  // namespace sluice::audit
