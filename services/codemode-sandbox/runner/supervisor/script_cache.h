// ScriptCache: scripts that were compiled, by their exact source and declarations. Bounded; the
// least recently used goes first. It holds only what a compiler child answered for exactly these.
#pragma once

#include "proto/sluice/codemode/v1/codemode.pb.h"

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {

struct CompiledScript {
  std::string javascript;
  codemode::v1::Check check;  // without blocking diagnostics
};

class ScriptCache {
 public:
  ScriptCache(std::size_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // Null when it is not there. Valid until the next call.
  [[nodiscard]] const CompiledScript* find(std::string_view digest);
  // Nothing happens when the script alone is over the bound.
  void insert(std::string digest, CompiledScript script);

  [[nodiscard]] std::size_t size() const { return by_digest_.size(); }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string digest;
    CompiledScript script;
    std::size_t bytes = 0;
  };

  void remove_oldest();

  std::size_t entries_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> by_use_;  // the most recent first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> by_digest_;
};

}  // namespace sluice::codemode_runner
