#include "services/codemode-sandbox/runner/supervisor/socket_folder.h"

#include "services/codemode-sandbox/runner/zygote/file_descriptor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace sluice::codemode_runner {

std::vector<SocketFile> socket_files(const std::string& folder) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  std::vector<SocketFile> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  const std::filesystem::directory_iterator end;
  while (!error && entry != end && files.size() < kSocketFilesMax) {
    const std::string path = entry->path().string();
    struct stat status{};
    if (entry->path().extension() == ".sock" && path.size() < sizeof(sockaddr_un::sun_path) &&
        ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
      files.push_back(
          {.path = path,
           .inode = status.st_ino,
           .made_ns = status.st_ctim.tv_sec * kPerSecond + status.st_ctim.tv_nsec}
      );
    }
    entry.increment(error);
  }
  std::sort(files.begin(), files.end(), [](const SocketFile& a, const SocketFile& b) {
    return a.path < b.path;
  });
  return files;
}

bool somebody_listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return false;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe.open() &&
         (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
              0 ||
          errno == EAGAIN);  // its queue of connections is full
}

}  // namespace sluice::codemode_runner
