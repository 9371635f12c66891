#include "common/grant/key_folder.h"

#include "common/grant/keep_looking.h"
#include "common/grant/key_files.h"

#include <utility>
#include <vector>

namespace sluice::grant {
namespace {

std::string contents_of(const std::vector<KeyFile>& files) {
  std::string all;
  for (const KeyFile& file : files) {
    all += file.path;
    all.push_back('\0');
    all += file.pem.ok() ? file.pem.value() : std::string("-");
    all.push_back('\0');
  }
  return all;
}

}  // namespace

Async<void> KeyFolder::look() {
  const auto read = [path = path_] { return read_key_files(path); };
  SLUICE_CO_TRY(const std::vector<KeyFile> files, co_await deps_.pool->run(read));
  std::string contents = contents_of(files);
  if (contents == known_) {
    co_return Result<void>();
  }
  KeyRing ring;
  std::string ids;
  for (const KeyFile& file : files) {
    auto key = file.pem.ok() ? crypto::PublicKey::from_pem(file.pem.value())
                             : Result<crypto::PublicKey>(file.pem.error());
    if (!key.ok()) {
      deps_.log->error("key-not-trusted", {{"file", file.path}, {"error", key.error().to_log()}});
      continue;
    }
    ids += (ids.empty() ? "" : " ") + key.value().id();
    ring.add(std::move(key).value());
  }
  deps_.log->info("keys-trusted", {{"folder", path_}, {"keys", ids}});
  known_ = std::move(contents);
  on_change_(std::move(ring));
  co_return Result<void>();
}

Async<void> KeyFolder::watch() {
  return keep_looking(deps_.clock, deps_.log, "keys-not-read", kKeyFolderInterval, [this] {
    return look();
  });
}

}  // namespace sluice::grant
