// KeyPool: the keys of one provider, used in turn. One shard's thread.
#pragma once

#include "common/base/secret.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sluice::provider_router {

struct ProviderKey {
  std::string id;  // for logs and records; never the value
  Secret<std::string> value;
};

class KeyPool {
 public:
  explicit KeyPool(std::vector<ProviderKey> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] std::size_t size() const { return keys_.size(); }

  // Where a new request begins: each one at the next key. 0 when there is none.
  [[nodiscard]] std::size_t begin_turn() {
    if (keys_.empty()) {
      return 0;
    }
    const std::size_t turn = next_;
    next_ = (next_ + 1) % keys_.size();
    return turn;
  }

  // The key of a position that may have run past the end; nullptr for a provider without keys.
  [[nodiscard]] const ProviderKey* at(std::size_t position) const {
    return keys_.empty() ? nullptr : &keys_[position % keys_.size()];
  }

 private:
  std::vector<ProviderKey> keys_;
  std::size_t next_ = 0;
};

}  // namespace sluice::provider_router
