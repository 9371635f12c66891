// KeyFolder: the public keys in a folder, as they are now. A service that trusts keys looks at
// their folder as long as it runs, so that keys are rotated without a restart: a key that was added
// counts within kKeyFolderInterval, one that was removed does not count any more.
#pragma once

#include "common/async/blocking_pool.h"
#include "common/async/clock.h"
#include "common/grant/grant.h"
#include "common/observability/log.h"

#include <chrono>
#include <functional>
#include <string>

namespace sluice::grant {

// Source: ours. A few files of 113 bytes; a rotation waits several of these (deploy/rotate-keys).
inline constexpr std::chrono::milliseconds kKeyFolderInterval{500};

class KeyFolder {
 public:
  // All outlive the folder.
  struct Deps {
    async::Clock* clock;
    async::BlockingPool* pool;
    observability::Log* log;
  };

  // on_change gets the keys at the first look, and whenever they are others than before.
  KeyFolder(Deps deps, std::string path, std::function<void(KeyRing)> on_change)
      : deps_(deps), path_(std::move(path)), on_change_(std::move(on_change)) {}

  // One look. A file that is no key is logged and passed over: it must not keep a removed one
  // trusted. Errors: Unavailable (the folder cannot be read; the keys stay as they are).
  [[nodiscard]] Async<void> look();
  // Looks until cancelled.
  [[nodiscard]] Async<void> watch();

 private:
  Deps deps_;
  std::string path_;
  std::function<void(KeyRing)> on_change_;
  std::string known_;  // names and contents at the last change
};

}  // namespace sluice::grant
