#include "services/codemode-sandbox/adapters/socket_directory.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::string_view kSocket = ".sock";
constexpr std::string_view kLock = ".lock";
// Entries of the directory that one start looks at; more are left for the next one.
constexpr int kEntriesLookedAtMax = 1'024;
// Between opening a lock file and locking it, another instance may remove it as a dead one's.
constexpr int kLockAttemptsMax = 5;

Error cannot(std::string_view what, const std::string& path) {
  return Error(
             Code::Unavailable,
             "the directory of runner sockets cannot be used; make codemode.runner_directory "
             "writable for the service"
  )
      .with_detail(std::string(what) + " " + path + ": " + std::strerror(errno));
}

bool is_same_file(int descriptor, const std::string& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// An open, locked file of that name, or -1.
int lock_file(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
      is_same_file(descriptor, path)) {
    return descriptor;
  }
  if (descriptor >= 0) {
    ::close(descriptor);
  }
  return -1;
}

// The socket first: a socket without a lock file would never be looked at again.
void remove_dead(const std::string& directory) {
  std::error_code fault;
  int looked_at = 0;
  for (std::filesystem::directory_iterator entry(directory, fault), last;
       !fault && entry != last && looked_at < kEntriesLookedAtMax;
       entry.increment(fault), ++looked_at) {
    std::filesystem::path path = entry->path();
    if (path.extension() != kLock) {
      continue;
    }
    const int held = lock_file(path.string(), 0);
    if (held >= 0) {
      std::filesystem::path socket = path;
      socket.replace_extension(kSocket);
      ::unlink(socket.c_str());
      ::unlink(path.c_str());
      ::close(held);
    }
  }
}

}  // namespace

Result<SocketPlace> SocketPlace::take(std::string directory, const std::string& instance) {
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  std::string base = directory + "/" + instance;
  if (base.size() + kSocket.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error(
        Code::Invalid,
        "codemode.runner_directory is too long for the path of a socket; give one of at most " +
            std::to_string(sizeof(sockaddr_un::sun_path) - instance.size() - kSocket.size() - 2) +
            " characters"
    );
  }
  std::error_code fault;
  std::filesystem::create_directories(directory, fault);
  if (fault) {
    errno = fault.value();
    return cannot("make", directory);
  }
  remove_dead(directory);
  const std::string lock_path = base + std::string(kLock);
  int lock = -1;
  for (int attempt = 0; lock < 0 && attempt < kLockAttemptsMax; ++attempt) {
    lock = lock_file(lock_path, O_CREAT);
  }
  if (lock < 0) {
    return cannot("lock", lock_path);
  }
  return SocketPlace(base + std::string(kSocket), lock_path, lock);
}

SocketPlace::SocketPlace(std::string socket_path, std::string lock_path, int lock)
    : socket_path_(std::move(socket_path)), lock_path_(std::move(lock_path)), lock_(lock) {}

SocketPlace::SocketPlace(SocketPlace&& other) noexcept
    : socket_path_(std::move(other.socket_path_)),
      lock_path_(std::move(other.lock_path_)),
      lock_(std::exchange(other.lock_, -1)) {}

SocketPlace::~SocketPlace() {
  if (lock_ >= 0) {
    ::unlink(socket_path_.c_str());
    ::unlink(lock_path_.c_str());
    ::close(lock_);
  }
}

}  // namespace sluice::codemode_sandbox
