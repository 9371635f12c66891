#include "services/codemode-sandbox/runner/jail/testing/tricks.h"

#include <array>
#include <string>

#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace sluice::codemode_runner::jail {

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& file_tricks() {
  static const std::vector<Trick> kAll{
      {"mkdir in the folder",
       [](const Prey& p) { return ::mkdir((p.folder + "/made").c_str(), 0700) == 0; }},
      {"unlink the canary", [](const Prey& p) { return ::unlink(p.canary.c_str()) == 0; }},
      {"rename the canary",
       [](const Prey& p) {
         return ::rename(p.canary.c_str(), (p.folder + "/renamed").c_str()) == 0;
       }},
      {"truncate the canary", [](const Prey& p) { return ::truncate(p.canary.c_str(), 1) == 0; }},
      {"symlink to /etc",
       [](const Prey& p) { return ::symlink("/etc", (p.folder + "/etc").c_str()) == 0; }},
      {"hard link of the canary",
       [](const Prey& p) { return ::link(p.canary.c_str(), (p.folder + "/linked").c_str()) == 0; }},
      {"a fifo", [](const Prey& p) { return ::mkfifo((p.folder + "/fifo").c_str(), 0600) == 0; }},
      {"rmdir of the folder's folder",
       [](const Prey& p) { return ::rmdir((p.folder + "/inner").c_str()) == 0; }},
  };
  return kAll;
}

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Trick>& deep_file_tricks() {
  static const std::vector<Trick> kAll{
      {"read the canary", [](const Prey& p) { return ::open(p.canary.c_str(), O_RDONLY) >= 0; }},
      {"write the canary",
       [](const Prey& p) { return ::open(p.canary.c_str(), O_WRONLY | O_TRUNC) >= 0; }},
      {"create a file",
       [](const Prey& p) {
         return ::open((p.folder + "/new").c_str(), O_CREAT | O_WRONLY, 0600) >= 0;
       }},
      {"/etc/passwd", [](const Prey& /*p*/) { return ::open("/etc/passwd", O_RDONLY) >= 0; }},
      {"/etc/passwd by openat2",
       [](const Prey& /*p*/) {
         struct {
           unsigned long flags, mode, resolve;
         } how{};
         return ::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how) >= 0;
       }},
      {"/proc/self/mem",
       [](const Prey& /*p*/) { return ::openat(AT_FDCWD, "/proc/self/mem", O_RDWR) >= 0; }},
      {"/proc/1/environ", [](const Prey& /*p*/) { return ::open("/proc/1/environ", O_RDONLY) >= 0; }
      },
      {"/proc/self/maps", [](const Prey& /*p*/) { return ::open("/proc/self/maps", O_RDONLY) >= 0; }
      },
      {"memory of the parent by /proc",
       [](const Prey& p) {
         return ::open(("/proc/" + std::to_string(p.parent) + "/mem").c_str(), O_RDWR) >= 0;
       }},
      {"/dev/null", [](const Prey& /*p*/) { return ::open("/dev/null", O_RDWR) >= 0; }},
      {"/dev/mem", [](const Prey& /*p*/) { return ::open("/dev/mem", O_RDWR) >= 0; }},
      {"/dev/shm",
       [](const Prey& /*p*/) {
         return ::open("/dev/shm/sluice-intruder", O_CREAT | O_RDWR, 0600) >= 0;
       }},
      {"/sys of cgroups",
       [](const Prey& /*p*/) { return ::open("/sys/fs/cgroup/cgroup.procs", O_WRONLY) >= 0; }},
      {"is the canary there",
       [](const Prey& p) {
         struct stat got{};
         return ::stat(p.canary.c_str(), &got) == 0;
       }},
      {"is /etc there, by statx",
       [](const Prey& /*p*/) {
         struct statx got{};
         return ::statx(AT_FDCWD, "/etc", 0, STATX_ALL, &got) == 0;
       }},
      {"what is fd 0, by fstatat",
       [](const Prey& /*p*/) {
         struct stat got{};
         return ::fstatat(0, "", &got, AT_EMPTY_PATH) == 0;
       }},
      {"who am I, by readlink",
       [](const Prey& /*p*/) {
         std::array<char, 64> b{};
         return ::readlink("/proc/self/exe", b.data(), b.size()) > 0;
       }},
      {"where am I, by getcwd",
       [](const Prey& /*p*/) {
         std::array<char, 64> b{};
         return ::getcwd(b.data(), b.size()) != nullptr;
       }},
      {"chdir", [](const Prey& /*p*/) { return ::chdir("/") == 0; }},
      {"chroot", [](const Prey& p) { return ::chroot(p.folder.c_str()) == 0; }},
      {"chmod", [](const Prey& p) { return ::chmod(p.canary.c_str(), 0777) == 0; }},
      {"chown", [](const Prey& p) { return ::chown(p.canary.c_str(), 1, 1) == 0; }},
      {"utimensat",
       [](const Prey& p) { return ::utimensat(AT_FDCWD, p.canary.c_str(), nullptr, 0) == 0; }},
      {"setxattr",
       [](const Prey& p) { return ::setxattr(p.canary.c_str(), "user.x", "x", 1, 0) == 0; }},
      {"creat", [](const Prey& p) { return ::creat((p.folder + "/creat").c_str(), 0600) >= 0; }},
      {"mknod of a disk",
       [](const Prey& p) {
         return ::mknod((p.folder + "/disk").c_str(), S_IFBLK | 0600, makedev(8, 0)) == 0;
       }},
      {"statfs",
       [](const Prey& /*p*/) {
         struct statfs got{};
         return ::statfs("/", &got) == 0;
       }},
      {"name_to_handle_at",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_name_to_handle_at, AT_FDCWD, "/", nullptr, nullptr, 0) >= 0;
       }},
      {"open_by_handle_at",
       [](const Prey& /*p*/) {
         return ::syscall(SYS_open_by_handle_at, AT_FDCWD, nullptr, O_RDONLY) >= 0;
       }},
      {"mount",
       [](const Prey& p) { return ::mount("none", p.folder.c_str(), "tmpfs", 0, nullptr) == 0; }},
      {"the new mount calls",
       [](const Prey& /*p*/) { return ::syscall(SYS_fsopen, "tmpfs", 0) >= 0; }},
      {"open_tree",
       [](const Prey& /*p*/) { return ::syscall(SYS_open_tree, AT_FDCWD, "/", 1) >= 0; }},
      {"umount", [](const Prey& /*p*/) { return ::umount2("/proc", MNT_DETACH) == 0; }},
      {"pivot_root",
       [](const Prey& p) {
         return ::syscall(SYS_pivot_root, p.folder.c_str(), p.folder.c_str()) == 0;
       }},
      {"write on standard output",
       [](const Prey& /*p*/) { return ::write(STDOUT_FILENO, "x", 1) == 1; }},
      {"write on standard error, gathered",
       [](const Prey& /*p*/) {
         iovec v{.iov_base = const_cast<char*>("x"), .iov_len = 1};
         return ::writev(STDERR_FILENO, &v, 1) == 1;
       }},
      {"read standard input",
       [](const Prey& /*p*/) {
         char b = 0;
         return ::read(STDIN_FILENO, &b, 1) >= 0;
       }},
      {"ioctl on the channel",
       [](const Prey& /*p*/) {
         int n = 0;
         return ::ioctl(3, FIONREAD, &n) == 0;
       }},
      {"pread of descriptor 0",
       [](const Prey& /*p*/) {
         char b = 0;
         return ::pread(0, &b, 1, 0) >= 0;
       }},
      {"sendfile", [](const Prey& /*p*/) { return ::sendfile(3, 0, nullptr, 1) >= 0; }},
      {"splice", [](const Prey& /*p*/) { return ::splice(0, nullptr, 3, nullptr, 1, 0) >= 0; }},
      {"copy_file_range",
       [](const Prey& /*p*/) { return ::copy_file_range(0, nullptr, 1, nullptr, 1, 0) >= 0; }},
      {"inotify", [](const Prey& /*p*/) { return ::inotify_init1(0) >= 0; }},
      {"fanotify", [](const Prey& /*p*/) { return ::fanotify_init(0, O_RDONLY) >= 0; }},
      {"memfd", [](const Prey& /*p*/) { return ::memfd_create("x", 0) >= 0; }},
      {"memfd_secret", [](const Prey& /*p*/) { return ::syscall(SYS_memfd_secret, 0) >= 0; }},
      {"a second descriptor by dup", [](const Prey& /*p*/) { return ::dup(3) >= 0; }},
      {"a second descriptor by dup2", [](const Prey& /*p*/) { return ::dup2(3, 0) >= 0; }},
      {"a second descriptor by fcntl", [](const Prey& /*p*/) { return ::fcntl(3, F_DUPFD, 0) >= 0; }
      },
      {"the channel made blocking", [](const Prey& /*p*/) { return ::fcntl(3, F_SETFL, 0) >= 0; }},
      {"a pipe",
       [](const Prey& /*p*/) {
         std::array<int, 2> e{};
         return ::pipe(e.data()) == 0;
       }},
      {"close_range", [](const Prey& /*p*/) { return ::syscall(SYS_close_range, 0, 2, 0) == 0; }},
      {"shm_open",
       [](const Prey& /*p*/) { return ::shm_open("/sluice-intruder", O_CREAT | O_RDWR, 0600) >= 0; }
      },
  };
  return kAll;
}

}  // namespace sluice::codemode_runner::jail
