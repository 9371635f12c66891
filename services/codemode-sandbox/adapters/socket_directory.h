// SocketDirectory: the folder in which every instance of the service has one socket and every
// runner looks for sockets.
#pragma once

#include "common/base/result.h"

#include <string>

namespace sluice::codemode_sandbox {

// One instance's place: <directory>/<instance>.sock beside <instance>.lock, which is held locked
// while the instance lives. Both go with it. Files of instances that died (nobody holds their lock)
// are removed when another one starts.
class SocketPlace {
 public:
  // Makes the directory when there is none. Errors: Invalid (the path is too long for a socket),
  // Unavailable (directory or lock cannot be made).
  [[nodiscard]] static Result<SocketPlace> take(std::string directory, const std::string& instance);

  SocketPlace(const SocketPlace&) = delete;
  SocketPlace& operator=(const SocketPlace&) = delete;
  SocketPlace(SocketPlace&& other) noexcept;
  SocketPlace& operator=(SocketPlace&&) = delete;
  ~SocketPlace();

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

 private:
  SocketPlace(std::string socket_path, std::string lock_path, int lock);

  std::string socket_path_;
  std::string lock_path_;
  int lock_;
};

}  // namespace sluice::codemode_sandbox
