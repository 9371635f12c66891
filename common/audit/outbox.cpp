#include "common/audit/outbox.h"

#include "common/base/check.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::audit {
namespace {

Error cannot(std::string_view what, const std::string& path) {
  return Error(
             Code::Unavailable,
             std::string("the audit outbox cannot ") + std::string(what) +
                 "; check that its directory is writable and the disk is not full"
  )
      .with_detail(path + ": " + std::generic_category().message(errno));
}

// Under a hidden name first: a scan for dead instances never meets a directory without a locked
// lock file.
Result<File> make_locked(const std::string& root, const std::string& instance) {
  const std::string hidden = root + "/.new-" + instance;
  if (::mkdir(hidden.c_str(), 0700) != 0) {
    return cannot("make its directory", hidden);
  }
  const std::string lock_path = hidden + "/lock";
  File lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return cannot("lock its directory", lock_path);
  }
  const std::string path = root + "/" + instance;
  if (::rename(hidden.c_str(), path.c_str()) != 0) {
    return cannot("name its directory", path);
  }
  return lock;
}

}  // namespace

Outbox::Outbox(Key /*key*/, std::string directory, File lock, std::size_t bytes_max)
    : directory_(std::move(directory)), lock_(std::move(lock)), bytes_max_(bytes_max) {}

Outbox::~Outbox() {
  if (backlog_ != 0) {
    return;
  }
  for (const auto& [id, segment] : segments_) {
    ::unlink(segment_path(directory_, id).c_str());
  }
  ::unlink((directory_ + "/lock").c_str());
  ::rmdir(directory_.c_str());
}

Result<std::unique_ptr<Outbox>> Outbox::open(
    const std::string& root, const std::string& instance, std::size_t bytes_max
) {
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) {
    errno = error.value();
    return cannot("make its directory", root);
  }
  SLUICE_TRY(File lock, make_locked(root, instance));
  auto outbox = std::make_unique<Outbox>(Key{}, root + "/" + instance, std::move(lock), bytes_max);
  SLUICE_CHECK_OK(outbox->open_segment(1));
  return outbox;
}

Result<void> Outbox::open_segment(std::uint64_t id) {
  const std::string path = segment_path(directory_, id);
  File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!file.is_open()) {
    return cannot("start a file", path);
  }
  active_ = std::move(file);
  active_id_ = id;
  segments_[id];
  return {};
}

std::string& Outbox::begin_frame() {
  frame_begin_ = open_frame(pending_);
  return pending_;
}

Position Outbox::commit_frame() {
  close_frame(pending_, frame_begin_);
  ++pending_records_;
  ++backlog_;
  return {active_id_, segments_[active_id_].size + frame_begin_};
}

Result<void> Outbox::flush() {
  while (pending_written_ < pending_.size()) {
    const ::ssize_t count = ::write(
        active_.get(), pending_.data() + pending_written_, pending_.size() - pending_written_
    );
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      failing_ = true;
      return cannot("write a record", directory_);
    }
    pending_written_ += static_cast<std::size_t>(count);
  }
  failing_ = false;
  if (pending_.empty()) {
    return {};
  }
  Segment& segment = segments_[active_id_];
  const std::uint64_t offset = segment.size;
  segment.size += pending_.size();
  segment.records += pending_records_;
  segment.untaken += pending_records_;
  bytes_ += pending_.size();
  unsent_ += pending_records_;
  const bool due = segment.size >= kSegmentBytesMax;
  keep_for_sending(offset, std::exchange(pending_, {}));
  pending_records_ = 0;
  pending_written_ = 0;
  if (due) {
    const std::uint64_t full = active_id_;
    if (open_segment(full + 1).ok(
        )) {  // else the old one goes on growing, and the next flush tries again
      drop_if_done(full);
    }
  }
  return {};
}

void Outbox::keep_for_sending(std::uint64_t offset, std::string bytes) {
  if (spilled_) {
    return;  // reading back gets there
  }
  if (!unread_.empty() && unread_bytes_ + bytes.size() > kUnsentMemoryBytes) {
    spilled_ = true;
    cursor_ = {active_id_, offset};
    return;
  }
  unread_bytes_ += bytes.size();
  unread_.push_back({active_id_, offset, 0, std::move(bytes)});
}

Result<std::optional<Outbox::Taken>> Outbox::take() {
  if (!released_.empty()) {
    SLUICE_TRY(const auto frame, read_released());
    if (frame) {
      return std::optional<Taken>({frame->payload, frame->segment});
    }
  }
  for (;;) {
    SLUICE_TRY(const auto frame, read_next());
    if (!frame) {
      return std::optional<Taken>();
    }
    count_taken(frame->segment);
    const auto held = held_.find({frame->segment, frame->offset});
    if (held == held_.end()) {
      return std::optional<Taken>({frame->payload, frame->segment});
    }
    if (held->second == Hold::Delivered) {
      held_.erase(held);
    } else {
      held->second = Hold::Passed;
    }
  }
}

void Outbox::count_taken(std::uint64_t segment) {
  --unsent_;
  if (const auto found = segments_.find(segment); found != segments_.end()) {
    --found->second.untaken;
  }
}

Result<std::optional<Outbox::Frame>> Outbox::read_next() {
  if (!unread_.empty() && unread_.front().used == unread_.front().bytes.size()) {
    unread_bytes_ -= unread_.front().bytes.size();
    unread_.pop_front();
  }
  if (unread_.empty()) {
    return read_back();
  }
  Chunk& chunk = unread_.front();
  const auto frame = read_frame(std::string_view(chunk.bytes).substr(chunk.used));
  SLUICE_CHECK(frame.state == FrameState::Whole, "frames in memory were made here");
  const Frame found{chunk.segment, chunk.offset + chunk.used, frame.payload};
  chunk.used += frame.size;
  return std::optional<Frame>(found);
}

Result<std::optional<Outbox::Frame>> Outbox::read_back() {
  while (spilled_) {
    const auto segment = segments_.lower_bound(cursor_.segment);
    if (segment == segments_.end()) {
      break;
    }
    if (segment->first != cursor_.segment) {
      cursor_ = {segment->first, 0};
    }
    if (!reader_ || reader_->first != cursor_.segment) {
      SLUICE_TRY(
          auto reader,
          SegmentReader::open(segment_path(directory_, cursor_.segment), cursor_.offset)
      );
      reader_.emplace(cursor_.segment, std::move(reader));
    }
    SLUICE_TRY(const auto frame, reader_->second.next(segment->second.size));
    if (frame) {
      cursor_.offset = reader_->second.offset();
      return std::optional<Frame>({cursor_.segment, frame->offset, frame->payload});
    }
    if (reader_->second.end() != SegmentReader::End::Clean) {
      return skip_damaged();
    }
    if (cursor_.segment == active_id_) {
      break;  // caught up
    }
    cursor_ = {cursor_.segment + 1, 0};
  }
  spilled_ = false;
  reader_.reset();
  return std::optional<Frame>();
}

// The rest of this segment cannot be read: its records are given up, which the trail will show as a
// gap.
Error Outbox::skip_damaged() {
  Segment& segment = segments_[cursor_.segment];
  const std::uint64_t lost = segment.untaken;
  segment.records -= lost;
  segment.untaken = 0;
  unsent_ -= lost;
  backlog_ -= lost;
  const std::string path = segment_path(directory_, cursor_.segment);
  cursor_ = {cursor_.segment + 1, 0};
  reader_.reset();
  return Error(Code::Internal, "records in the audit outbox were damaged on disk; check the disk")
      .with_detail(path + ": " + std::to_string(lost) + " records lost");
}

Result<std::optional<Outbox::Frame>> Outbox::read_released() {
  const Position position = released_.front();
  SLUICE_TRY(
      auto reader, SegmentReader::open(segment_path(directory_, position.segment), position.offset)
  );
  released_reader_.emplace(std::move(reader));
  SLUICE_TRY(const auto frame, released_reader_->next(UINT64_MAX));
  released_.pop_front();
  --unsent_;
  if (!frame) {
    acknowledge({{position.segment, 1}});
    return Error(
        Code::Internal, "a record in the audit outbox was damaged on disk; check the disk"
    );
  }
  return std::optional<Frame>({position.segment, position.offset, frame->payload});
}

void Outbox::hold(Position position) {
  held_.emplace(position, Hold::Waiting);
}

void Outbox::resolve(Position position, bool delivered) {
  const auto held = held_.find(position);
  SLUICE_CHECK(held != held_.end(), "only held frames are resolved, once");
  const bool passed = held->second == Hold::Passed;
  if (passed || !delivered) {
    held_.erase(held);
  } else {
    held->second = Hold::Delivered;
  }
  if (delivered) {
    acknowledge({{position.segment, 1}});
  } else if (passed) {
    released_.push_back(position);
    ++unsent_;
  }
}

void Outbox::acknowledge(const Acknowledgement& records) {
  for (const auto& [id, count] : records) {
    const auto segment = segments_.find(id);
    SLUICE_CHECK(
        segment != segments_.end() && segment->second.records >= count,
        "records are acknowledged once"
    );
    segment->second.records -= count;
    backlog_ -= count;
    drop_if_done(id);
  }
  const bool idle =
      backlog_ == 0 && pending_.empty() && segments_[active_id_].size >= kIdleSegmentBytes;
  if (idle) {
    const std::uint64_t used = active_id_;
    if (open_segment(used + 1).ok()) {
      drop_if_done(used);
    }
  }
}

void Outbox::drop_if_done(std::uint64_t id) {
  const auto segment = segments_.find(id);
  if (id == active_id_ || segment == segments_.end() || segment->second.records != 0) {
    return;
  }
  ::unlink(segment_path(directory_, id).c_str());
  bytes_ -= segment->second.size;
  segments_.erase(segment);
}

}  // namespace sluice::audit
