#include "services/policy-engine/adapters/settings_on_disk.h"

#include "services/policy-engine/config.h"

#include <cerrno>
#include <system_error>

#include <sys/stat.h>

namespace sluice::policy_engine {
namespace {

// Inode, size and time: an editor that replaces the file changes the first.
Result<std::string> stamp_of(const std::string& path) {
  struct stat found{};

  if (::stat(path.c_str(), &found) != 0) {
    return Error(
        Code::Invalid,
        "the settings file " + path + " cannot be read (" + std::generic_category().message(errno) +
            "); put it back"
    );
  }
  return std::to_string(found.st_ino) + ":" + std::to_string(found.st_size) + ":" +
         std::to_string(found.st_mtim.tv_sec) + "." + std::to_string(found.st_mtim.tv_nsec);
}

}  // namespace

Async<ReadSettings> SettingsOnDisk::read() {
  const auto call = [source = source_] { return read_settings(source); };
  co_return co_await pool_->run(call);
}

Async<std::string> SettingsOnDisk::stamp() {
  const auto call = [path = source_.path] { return stamp_of(path); };
  co_return co_await pool_->run(call);
}

}  // namespace sluice::policy_engine
