#include "services/codemode-sandbox/runner/supervisor/script_cache.h"

#include <utility>

namespace sluice::codemode_runner {

const std::string* ScriptCache::find(std::string_view digest) {
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) {
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return &found->second->javascript;
}

void ScriptCache::insert(std::string digest, std::string javascript) {
  if (javascript.size() > bytes_max_ || entries_max_ == 0 || find(digest) != nullptr) {
    return;
  }
  while (by_use_.size() >= entries_max_ || bytes_ + javascript.size() > bytes_max_) {
    remove_oldest();
  }
  bytes_ += javascript.size();
  by_use_.push_front({digest, std::move(javascript)});
  by_digest_.emplace(std::move(digest), by_use_.begin());
}

void ScriptCache::remove_oldest() {
  const Entry& oldest = by_use_.back();
  bytes_ -= oldest.javascript.size();
  by_digest_.erase(oldest.digest);
  by_use_.pop_back();
}

}  // namespace sluice::codemode_runner
