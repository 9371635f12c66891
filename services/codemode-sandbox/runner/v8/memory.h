// The bounds of a script's memory inside V8: heap, then array buffers. RLIMIT_AS is behind both,
// because ICU and the C library ask neither.
#pragma once

#include <v8-array-buffer.h>
#include <v8-isolate.h>

#include <cstddef>

namespace sluice::codemode_runner {

// Refuses when all living buffers together would be over the bound; the script sees a RangeError.
class CappedAllocator final : public v8::ArrayBuffer::Allocator {
 public:
  void set_bound(std::size_t bytes) { bound_ = bytes; }

  void* Allocate(std::size_t length) override;
  void* AllocateUninitialized(std::size_t length) override;
  void Free(void* data, std::size_t length) override;

 private:
  [[nodiscard]] bool take(std::size_t length);

  std::size_t bound_ = 0;
  std::size_t taken_ = 0;
};

// Ends the script when its heap reaches the bound. V8 needs some room to end it in: the bound is
// raised, at most twice; after that V8's own out-of-memory handler is called.
class HeapBound {
 public:
  // The isolate was made with made_bytes as the maximum.
  HeapBound(v8::Isolate* isolate, std::size_t made_bytes)
      : isolate_(isolate), made_bytes_(made_bytes) {}

  // Once, before the script. Lives until the process ends.
  void set(std::size_t bytes);

  [[nodiscard]] bool reached() const { return reached_; }

 private:
  static std::size_t near_limit(void* self, std::size_t current, std::size_t initial);

  v8::Isolate* isolate_;
  std::size_t made_bytes_;
  std::size_t bytes_ = 0;
  int raises_ = 0;
  bool reached_ = false;
};

}  // namespace sluice::codemode_runner
