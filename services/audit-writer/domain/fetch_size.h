// FetchSize: how many messages to ask for, so that one round is about kRowsPerInsertMax rows and
// never far above the bytes wanted, whether messages hold one record or sixty-four.
#pragma once

#include <cstddef>

namespace sluice::audit_writer {

class FetchSize {
 public:
  [[nodiscard]] std::size_t count() const { return count_; }

  // After a round. Grows at most twofold, so that a burst of large messages after small ones stays
  // bounded.
  void observe(std::size_t messages, std::size_t records, std::size_t bytes);

 private:
  std::size_t count_ = 16;
};

}  // namespace sluice::audit_writer
