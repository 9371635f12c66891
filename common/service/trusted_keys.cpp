#include "common/service/trusted_keys.h"

#include "common/grant/key_folder.h"

#include <utility>

namespace sluice::service {
namespace {

struct Followed {
  Followed(const Runtime& runtime, std::string path, std::shared_ptr<grant::KeyRing> ring)
      : folder(
            {.clock = runtime.clock(), .pool = runtime.blocking(), .log = runtime.log()},
            std::move(path),
            [ring = std::move(ring)](grant::KeyRing keys) { *ring = std::move(keys); }
        ) {}

  grant::KeyFolder folder;
};

// Keeps what it needs until the runtime's tasks are closed.
Async<void> follow(std::shared_ptr<Followed> followed) {
  co_return co_await followed->folder.watch();
}

}  // namespace

Result<std::shared_ptr<const grant::KeyRing>> trusted_keys(
    const Runtime& runtime, const std::string& folder
) {
  const std::string path = runtime.secret_path(folder);
  SLUICE_TRY(grant::KeyRing keys, grant::KeyRing::load(path));
  const auto ring = std::make_shared<grant::KeyRing>(std::move(keys));
  runtime.tasks().spawn(folder, follow(std::make_shared<Followed>(runtime, path, ring)));
  return std::shared_ptr<const grant::KeyRing>(ring);
}

}  // namespace sluice::service
