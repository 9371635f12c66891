// Segment files of an outbox directory: names, and reading one in bounded pieces.
#pragma once

#include "common/audit/outbox_frame.h"
#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

// A file descriptor with an owner.
class File {
 public:
  File() = default;

  explicit File(int descriptor) : descriptor_(descriptor) {}

  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  [[nodiscard]] int get() const { return descriptor_; }

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// "<directory>/<20 digits>.log"
[[nodiscard]] std::string segment_path(const std::string& directory, std::uint64_t id);
// Ids of the segments in a directory, ascending.
[[nodiscard]] std::vector<std::uint64_t> segments_of(const std::string& directory);

// Reads the frames of one segment from an offset on, kReadBytes at a time.
class SegmentReader {
 public:
  struct Frame {
    std::string_view payload;  // until the next call
    std::uint64_t offset = 0;  // of the frame
  };
  enum class End { None, Clean, Torn, Damaged };

  // Errors: Unavailable.
  [[nodiscard]] static Result<SegmentReader> open(
      const std::string& path, std::uint64_t offset = 0
  );

  // The next whole frame before limit, or nullopt; then end() says why. After Clean at a limit that
  // grew, reading goes on.
  [[nodiscard]] Result<std::optional<Frame>> next(std::uint64_t limit);

  [[nodiscard]] End end() const { return end_; }

  // Where the next frame begins.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  explicit SegmentReader(File file, std::uint64_t offset)
      : file_(std::move(file)), offset_(offset) {}

  Result<std::size_t> fill(std::size_t wanted, std::uint64_t limit);

  File file_;
  std::uint64_t offset_ = 0;  // of unread_'s first byte in the file
  std::string buffer_;
  std::size_t used_ = 0;  // bytes of buffer_ already handed out
  End end_ = End::None;
};

}  // namespace sluice::audit
