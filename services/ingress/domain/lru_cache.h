// LruCache: a bounded map that forgets what was not asked for longest. Single thread.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluice::ingress {

template <class Value>
class LruCache {
 public:
  // entries_max: at least 1.
  explicit LruCache(std::size_t entries_max) : entries_max_(entries_max) {}

  LruCache(const LruCache&) = delete;
  LruCache& operator=(const LruCache&) = delete;
  LruCache(LruCache&&) = delete;
  LruCache& operator=(LruCache&&) = delete;
  ~LruCache() = default;

  // nullptr when absent. The pointer lives until the next put or erase.
  [[nodiscard]] Value* find(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  void put(std::string key, Value value) {
    if (Value* known = find(key); known != nullptr) {
      *known = std::move(value);
      return;
    }
    entries_.emplace_front(std::move(key), std::move(value));
    index_.emplace(entries_.front().first, entries_.begin());
    if (entries_.size() > entries_max_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  void erase(std::string_view key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      const auto entry = found->second;
      index_.erase(found);
      entries_.erase(entry);
    }
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;

  std::size_t entries_max_;
  Entries entries_;  // most recent first
  std::unordered_map<std::string_view, typename Entries::iterator>
      index_;  // keys point into entries_
};

}  // namespace sluice::ingress
