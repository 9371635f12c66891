// Batcher: the queue of a group commit. Whoever commits takes everything that came while the last
// commit ran, so that the commit before is the gather time and an idle writer waits for nobody.
// Knows no clock and no database.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

namespace sluice::audit_writer {

template <class Item>
class Batcher {
 public:
  Batcher(std::size_t batch_max, std::size_t waiting_max)
      : batch_max_(batch_max), waiting_max_(waiting_max) {}

  // False when too many wait; the item is not taken then.
  [[nodiscard]] bool add(Item item) {
    if (items_.size() >= waiting_max_) {
      return false;
    }
    items_.push_back(std::move(item));
    return true;
  }

  // The oldest items, at most a batch.
  [[nodiscard]] std::vector<Item> take() {
    std::vector<Item> batch;
    const std::size_t count = std::min(items_.size(), batch_max_);
    batch.reserve(count);
    std::move(
        items_.begin(),
        items_.begin() + static_cast<std::ptrdiff_t>(count),
        std::back_inserter(batch)
    );
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count));
    return batch;
  }

  [[nodiscard]] std::size_t size() const { return items_.size(); }

  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  std::size_t batch_max_;
  std::size_t waiting_max_;
  std::deque<Item> items_;
};

}  // namespace sluice::audit_writer
