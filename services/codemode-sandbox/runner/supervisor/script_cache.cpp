#include "services/codemode-sandbox/runner/supervisor/script_cache.h"

#include <utility>

namespace sluice::codemode_runner {

const CompiledScript* ScriptCache::find(std::string_view digest) {
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) {
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return &found->second->script;
}

void ScriptCache::insert(std::string digest, CompiledScript script) {
  const std::size_t bytes = script.javascript.size() + script.check.ByteSizeLong();
  if (bytes > bytes_max_ || entries_max_ == 0 || find(digest) != nullptr) {
    return;
  }
  while (by_use_.size() >= entries_max_ || bytes_ + bytes > bytes_max_) {
    remove_oldest();
  }
  bytes_ += bytes;
  by_use_.push_front({digest, std::move(script), bytes});
  by_digest_.emplace(std::move(digest), by_use_.begin());
}

void ScriptCache::remove_oldest() {
  const Entry& oldest = by_use_.back();
  bytes_ -= oldest.bytes;
  by_digest_.erase(oldest.digest);
  by_use_.pop_back();
}

}  // namespace sluice::codemode_runner
