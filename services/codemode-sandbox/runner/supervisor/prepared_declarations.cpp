#include "services/codemode-sandbox/runner/supervisor/prepared_declarations.h"

#include <algorithm>

namespace sluice::codemode_runner {

const PreparedDeclarations::Entry* PreparedDeclarations::add(
    std::string_view digest, std::string_view text
) {
  const bool known = std::any_of(kept_.begin(), kept_.end(), [&](const Entry& entry) {
    return entry.digest == digest;
  });
  if (known || refused_.contains(digest)) {
    return nullptr;
  }
  if (kept_.size() >= kept_max_) {
    kept_.pop_front();
  }
  kept_.push_back({.digest = std::string(digest), .text = std::string(text)});
  return &kept_.back();
}

void PreparedDeclarations::refuse(const std::string& digest) {
  std::erase_if(kept_, [&](const Entry& entry) { return entry.digest == digest; });
  if (refused_.size() >= refused_max_) {
    refused_.clear();  // they are many only under attack; each costs a zygote once more
  }
  refused_.insert(digest);
}

}  // namespace sluice::codemode_runner
