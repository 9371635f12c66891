#include "common/grant/key_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace sluice::grant {
namespace {

constexpr std::size_t kKeysMax = 16;  // keys of one ring; a rotation needs two
constexpr std::size_t kKeyFileBytesMax = 4096;

Result<std::string> read_key_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(kKeyFileBytesMax, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad() || file.gcount() == 0) {
    return Error(
        Code::Invalid,
        "cannot read the public key " + path.filename().string() + ": check its permissions"
    );
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

}  // namespace

Result<std::vector<KeyFile>> read_key_files(const std::string& folder) {
  std::error_code problem;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (entry->path().extension() == ".pem") {
      paths.push_back(entry->path());
    }
  }
  if (problem) {
    return Error(
               Code::Unavailable,
               "the folder of public keys cannot be read: check that it is there, and its "
               "permissions"
    )
        .with_detail(folder + ": " + problem.message());
  }
  if (paths.size() > kKeysMax) {
    return Error(
               Code::Invalid,
               "more than 16 public keys in the key folder: remove those no longer used"
    )
        .with_detail(folder);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<KeyFile> files;
  files.reserve(paths.size());
  for (const auto& path : paths) {
    files.push_back({path.string(), read_key_file(path)});
  }
  return files;
}

}  // namespace sluice::grant
