// FileDescriptor: owns one descriptor of the operating system.
#pragma once

#include <utility>

#include <unistd.h>

namespace sluice::codemode_runner {

class FileDescriptor {
 public:
  FileDescriptor() = default;

  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}

  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}

  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = other.release();
    }
    return *this;
  }

  ~FileDescriptor() { reset(); }

  [[nodiscard]] int get() const { return descriptor_; }

  [[nodiscard]] bool open() const { return descriptor_ >= 0; }

  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

  void reset() {
    if (descriptor_ >= 0) {
      ::close(std::exchange(descriptor_, -1));
    }
  }

 private:
  int descriptor_ = -1;
};

}  // namespace sluice::codemode_runner
