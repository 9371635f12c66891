#include "common/audit/orphans.h"

#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::audit {

Orphan::Orphan(std::string root, std::string instance, File lock)
    : root_(std::move(root)),
      instance_(std::move(instance)),
      directory_(root_ + "/" + instance_),
      lock_(std::move(lock)),
      segments_(segments_of(directory_)) {}

std::vector<Orphan> Orphan::find(const std::string& root, std::size_t count) {
  std::vector<Orphan> found;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(root, error);
       !error && entry != std::filesystem::directory_iterator() && found.size() < count;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) {
      continue;
    }
    File lock(::open((entry->path().string() + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    if (!lock.is_open() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      continue;
    }
    struct ::stat status{};
    if (::fstat(lock.get(), &status) != 0 || status.st_nlink == 0) {
      continue;  // somebody removed the directory between our open and our lock
    }
    found.push_back(Orphan(root, name, std::move(lock)));
  }
  return found;
}

Result<std::optional<std::string_view>> Orphan::next() {
  while (at_ < segments_.size()) {
    if (!reader_) {
      SLUICE_TRY(auto reader, SegmentReader::open(segment_path(directory_, segments_[at_])));
      reader_.emplace(std::move(reader));
    }
    SLUICE_TRY(const auto frame, reader_->next(UINT64_MAX));
    if (frame) {
      return std::optional<std::string_view>(frame->payload);
    }
    if (reader_->end() == SegmentReader::End::Torn) {
      ++torn_;
    } else if (reader_->end() == SegmentReader::End::Damaged) {
      damaged_.push_back(segments_[at_]);
    }
    reader_.reset();
    ++at_;
  }
  return std::optional<std::string_view>();
}

void Orphan::remove() {
  for (const std::uint64_t id : damaged_) {
    const std::string kept = root_ + "/.damaged-" + instance_ + "-" + std::to_string(id);
    static_cast<void>(::rename(segment_path(directory_, id).c_str(), kept.c_str()));
  }
  for (const std::uint64_t id : segments_) {
    ::unlink(segment_path(directory_, id).c_str());
  }
  ::unlink((directory_ + "/lock").c_str());
  ::rmdir(directory_.c_str());
}

}  // namespace sluice::audit
