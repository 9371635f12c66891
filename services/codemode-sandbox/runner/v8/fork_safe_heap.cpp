// V8 marks its heap MADV_DONTFORK, so that a child forked from a live isolate would find a hole in
// its place. This program's own madvise takes precedence over the C library's (it is exported from
// the executable, see CMakeLists.txt) and lets everything else through.
#include <cstddef>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int madvise(void* address, std::size_t length, int advice) noexcept {
  if (advice == MADV_DONTFORK) {
    return 0;
  }
  return static_cast<int>(::syscall(SYS_madvise, address, length, advice));
}
