#include "common/audit/outbox_segment.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::audit {

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

std::string segment_path(const std::string& directory, std::uint64_t id) {
  constexpr std::size_t kDigits = 20;
  std::string digits = std::to_string(id);
  digits.insert(0, kDigits - std::min(kDigits, digits.size()), '0');
  return directory + "/" + digits + ".log";
}

std::vector<std::uint64_t> segments_of(const std::string& directory) {
  std::vector<std::uint64_t> ids;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(directory, error);
       !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::uint64_t id = 0;
    const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (status == std::errc() && std::string_view(end) == ".log") {
      ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<SegmentReader> SegmentReader::open(const std::string& path, std::uint64_t offset) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    return Error(
               Code::Unavailable,
               "a file of the audit outbox cannot be read; check its directory's permissions"
    )
        .with_detail(path + ": " + std::generic_category().message(errno));
  }
  return SegmentReader(std::move(file), offset);
}

// Makes at least `wanted` unread bytes available if the file has them before limit; answers how
// many there are.
Result<std::size_t> SegmentReader::fill(std::size_t wanted, std::uint64_t limit) {
  std::size_t have = buffer_.size() - used_;
  const std::uint64_t position = offset_ + have;
  if (have >= wanted || position >= limit) {
    return have;
  }
  buffer_.erase(0, used_);
  used_ = 0;
  const std::size_t room = std::max(kReadBytes, wanted) - have;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(room, limit - position));
  buffer_.resize(have + count);
  const ::ssize_t read =
      ::pread(file_.get(), buffer_.data() + have, count, static_cast<::off_t>(position));
  if (read < 0) {
    buffer_.resize(have);
    return Error(Code::Unavailable, "a file of the audit outbox cannot be read; check the disk")
        .with_detail(std::generic_category().message(errno));
  }
  have += static_cast<std::size_t>(read);
  buffer_.resize(have);
  return have;
}

Result<std::optional<SegmentReader::Frame>> SegmentReader::next(std::uint64_t limit) {
  std::size_t wanted = kFrameHeaderBytes;
  for (;;) {
    SLUICE_TRY(const std::size_t have, fill(wanted, limit));
    const auto frame = read_frame(std::string_view(buffer_).substr(used_));
    if (frame.state == FrameState::Whole) {
      const Frame found{frame.payload, offset_};
      used_ += frame.size;
      offset_ += frame.size;
      return std::optional<Frame>(found);
    }
    if (frame.state == FrameState::Damaged) {
      end_ = End::Damaged;
      return std::optional<Frame>();
    }
    if (have >= wanted && frame.size > wanted) {
      wanted = frame.size;
      continue;
    }
    end_ = have == 0 ? End::Clean : End::Torn;
    return std::optional<Frame>();
  }
}

}  // namespace sluice::audit
