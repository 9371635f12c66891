// Finds outbox directories whose instance is dead (its lock is free), reads them, and removes them
// when all was delivered.
#pragma once

#include "common/audit/outbox_segment.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::audit {

// One dead instance's directory, locked by us while this lives.
class Orphan {
 public:
  // Locks up to count directories of dead instances; those in use are passed over.
  [[nodiscard]] static std::vector<Orphan> find(const std::string& root, std::size_t count);

  // The next record as its producer wrote it, until the next call; nullopt at the end. Errors:
  // Unavailable.
  [[nodiscard]] Result<std::optional<std::string_view>> next();
  // Removes the files. Damaged segments are kept as <root>/.damaged-<instance>-<segment>.
  void remove();

  [[nodiscard]] const std::string& instance() const { return instance_; }

  [[nodiscard]] std::uint64_t torn() const {
    return torn_;
  }  // incomplete frames at the end of a segment

  [[nodiscard]] std::uint64_t damaged() const {
    return damaged_.size();
  }  // segments with unreadable frames

 private:
  Orphan(std::string root, std::string instance, File lock);

  std::string root_;
  std::string instance_;
  std::string directory_;
  File lock_;
  std::vector<std::uint64_t> segments_;
  std::size_t at_ = 0;
  std::optional<SegmentReader> reader_;
  std::uint64_t torn_ = 0;
  std::vector<std::uint64_t> damaged_;
};

}  // namespace sluice::audit
