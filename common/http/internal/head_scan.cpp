#include "common/http/internal/head_scan.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace sluice::http {
namespace {

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c) {
    table[c] = true;
  }
  table['\t'] = true;
  return table;
}

constexpr std::array<bool, 256> kPlain = make_plain();

// Whether all eight bytes are from 0x20 to 0x7e: the rest lose or gain their highest bit here. A
// borrow or carry into a neighbour comes only from a byte that is told itself.
bool are_printable(const char* bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (((word - 0x20 * kEach) | (word + kEach) | word) & (0x80 * kEach)) == 0;
}

constexpr std::string_view kPreface = "PRI ";

Refusal bad_byte() {
  return {
      400,
      "the request head has a control character, a folded line or a byte outside ASCII; end lines "
      "with CR LF"
  };
}

}  // namespace

// Plain bytes from position on that need no look of their own: inside a line, below every limit.
std::size_t HeadScan::plain_run(std::string_view bytes, std::size_t position) const {
  if (after_cr_ || line_ == 0 || total_ < kPreface.size()) {
    return 0;
  }
  std::size_t room = std::min(bytes.size() - position, limits_.head_bytes_max - total_);
  if (lines_ == 0) {
    room = std::min(room, limits_.first_line_bytes_max - line_);
  }
  std::size_t run = 0;
  while (room - run >= sizeof(std::uint64_t) && are_printable(bytes.data() + position + run)) {
    run += sizeof(std::uint64_t);
  }
  while (run < room && kPlain[static_cast<unsigned char>(bytes[position + run])]) {
    ++run;
  }
  return run;
}

HeadScan::Outcome HeadScan::feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (const std::size_t run = plain_run(bytes, i); run > 0) {
      total_ += run;
      line_ += run;
      i += run;
      if (i == bytes.size()) {
        break;
      }
    }
    const char c = bytes[i];
    if (total_ < kPreface.size() && preface_ == total_ && c == kPreface[total_]) {
      ++preface_;
    }
    if (++total_ > limits_.head_bytes_max) {
      return {
          i,
          false,
          Refusal{
              431, "the request head is larger than the limit; send fewer or shorter header fields"
          }
      };
    }
    if (after_cr_) {
      if (c != '\n') {
        return {i, false, bad_byte()};
      }
      after_cr_ = false;
      if (line_ == 0 && lines_ > 0) {
        return {i + 1, true, std::nullopt};
      }
      lines_ += line_ > 0 ? 1 : 0;
      line_ = 0;
    } else if (c == '\r') {
      after_cr_ = true;
    } else if (!kPlain[static_cast<unsigned char>(c)] || (line_ == 0 && (c == ' ' || c == '\t'))) {
      return {i, false, bad_byte()};
    } else if (++line_ > limits_.first_line_bytes_max && lines_ == 0) {
      return {
          i,
          false,
          Refusal{414, "the request target is longer than the limit; send parameters in the body"}
      };
    }
  }
  return {bytes.size(), false, std::nullopt};
}

void HeadScan::reset() {
  total_ = line_ = lines_ = preface_ = 0;
  after_cr_ = false;
}

}  // namespace sluice::http
