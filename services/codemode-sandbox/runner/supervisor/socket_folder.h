// SocketFolder: the sockets of service instances in the folder they share with runners.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::codemode_runner {

// One file "<instance>.sock". A file made anew under the same name is another one.
struct SocketFile {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t made_ns = 0;

  friend bool operator==(const SocketFile&, const SocketFile&) = default;
};

// Sorted by path; at most kSocketFilesMax. An unreadable folder is an empty one: it may come later.
[[nodiscard]] std::vector<SocketFile> socket_files(const std::string& folder);

// Whether a process listens there: a service that was killed leaves its file behind.
[[nodiscard]] bool somebody_listens(const std::string& path);

// Source: kServicesMax live ones and those left behind by killed services.
inline constexpr std::size_t kSocketFilesMax = 1'024;

}  // namespace sluice::codemode_runner
