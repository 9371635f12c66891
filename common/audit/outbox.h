// Outbox: the append-only files in which one instance keeps its records until they are
// acknowledged. Appended frames wait in memory for flush(), which is one write(2); no fsync (the
// file survives a killed process, not a power cut: effects never depend on it). Not asynchronous;
// one thread. Segments are deleted when every record in them is acknowledged.
#pragma once

#include "common/audit/outbox_segment.h"
#include "common/base/result.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::audit {

// Where a frame stands; ordered as appended.
struct Position {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// Records of one batch, by segment: what is acknowledged together.
using Acknowledgement = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

class Outbox {
  struct Key {};  // only open() has one

 public:
  // Creates <root>/<instance>/ with a locked lock file. Errors: Unavailable, with what to do.
  [[nodiscard]] static Result<std::unique_ptr<Outbox>> open(
      const std::string& root, const std::string& instance, std::size_t bytes_max
  );
  Outbox(Key key, std::string directory, File lock, std::size_t bytes_max);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  Outbox(Outbox&&) = delete;
  Outbox& operator=(Outbox&&) = delete;
  ~Outbox();  // leaves the files for adoption unless all is acknowledged

  // Where the next record is serialized to: append the payload to the returned buffer, then
  // commit_frame().
  std::string& begin_frame();
  Position commit_frame();

  // Writes what was appended. Errors: Unavailable (disk full, …); what could not be written stays
  // for the next call.
  [[nodiscard]] Result<void> flush();

  [[nodiscard]] bool has_pending() const { return !pending_.empty(); }

  // Takes the next unsent written record, in order. Held frames are passed over. Errors:
  // Unavailable (cannot read back).
  struct Taken {
    std::string_view payload;  // until the next call
    std::uint64_t segment = 0;
  };

  [[nodiscard]] Result<std::optional<Taken>> take();

  // Records that take() has still to give.
  [[nodiscard]] std::uint64_t unsent() const { return unsent_; }

  // A held frame is not given by take(): somebody else delivers it. resolve() ends that: delivered,
  // or to be sent after all.
  void hold(Position position);
  void resolve(Position position, bool delivered);

  void acknowledge(const Acknowledgement& records);

  // Records not acknowledged.
  [[nodiscard]] std::uint64_t backlog() const { return backlog_; }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  [[nodiscard]] bool full() const { return failing_ || bytes_ + pending_.size() >= bytes_max_; }

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  struct Segment {
    std::uint64_t size = 0;     // written
    std::uint64_t records = 0;  // not acknowledged
    std::uint64_t untaken = 0;  // not given by take() nor passed over
  };

  struct Chunk {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;  // of bytes[used]
    std::size_t used = 0;
    std::string bytes;
  };
  enum class Hold {
    Waiting,    // not resolved; take() has not come to it
    Passed,     // not resolved; take() went over it
    Delivered,  // resolved before take() came to it
  };

  struct Frame {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::string_view payload;
  };

  Result<void> open_segment(std::uint64_t id);
  void keep_for_sending(std::uint64_t offset, std::string bytes);
  void drop_if_done(std::uint64_t id);
  void count_taken(std::uint64_t segment);
  Result<std::optional<Frame>> read_next();
  Result<std::optional<Frame>> read_back();
  Result<std::optional<Frame>> read_released();
  Error skip_damaged();

  std::string directory_;
  File lock_;
  std::size_t bytes_max_;

  File active_;
  std::uint64_t active_id_ = 0;
  std::map<std::uint64_t, Segment> segments_;
  std::string pending_;
  std::size_t frame_begin_ = 0;
  std::size_t pending_written_ = 0;  // of pending_, after a short write
  std::uint64_t pending_records_ = 0;
  bool failing_ = false;

  std::deque<Chunk> unread_;  // written, not taken, still in memory
  std::size_t unread_bytes_ = 0;
  bool spilled_ = false;  // from cursor_ on, unsent records are only in the files
  Position cursor_;
  std::optional<std::pair<std::uint64_t, SegmentReader>> reader_;
  std::optional<SegmentReader> released_reader_;
  std::map<Position, Hold> held_;
  std::deque<Position> released_;
  std::uint64_t unsent_ = 0;
  std::uint64_t backlog_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace sluice::audit
