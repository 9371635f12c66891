#include "services/codemode-sandbox/runner/v8/memory.h"

#include <cstdlib>

namespace sluice::codemode_runner {
namespace {

// V8 moves small typed arrays out of its heap with no way to fail.
// Source: laverdet/isolated-vm, src/isolate/allocator.cc.
constexpr std::size_t kNeverRefusedBytes = 64;

// Source: measured; enough for V8 to unwind with, little enough for the process's bound.
constexpr std::size_t kRaiseBytes = std::size_t{16} << 20;
constexpr int kRaisesMax = 2;

std::size_t ignored(void* /*data*/, std::size_t current, std::size_t /*initial*/) {
  return current;
}

}  // namespace

bool CappedAllocator::take(std::size_t length) {
  if (length > kNeverRefusedBytes && (length > bound_ || taken_ > bound_ - length)) {
    return false;
  }
  taken_ += length;
  return true;
}

void* CappedAllocator::Allocate(std::size_t length) {
  if (!take(length)) {
    return nullptr;
  }
  void* const data = std::calloc(length, 1);
  taken_ -= data == nullptr ? length : 0;
  return data;
}

void* CappedAllocator::AllocateUninitialized(std::size_t length) {
  // Zeroed all the same: what the memory held before is nobody's business.
  return Allocate(length);
}

void CappedAllocator::Free(void* data, std::size_t length) {
  std::free(data);
  taken_ -= length;
}

void HeapBound::set(std::size_t bytes) {
  bytes_ = bytes;
  if (bytes < made_bytes_) {
    // The one way to lower the bound of a living isolate.
    isolate_->AddNearHeapLimitCallback(ignored, nullptr);
    isolate_->RemoveNearHeapLimitCallback(ignored, bytes);
  }
  isolate_->AddNearHeapLimitCallback(near_limit, this);
}

std::size_t HeapBound::near_limit(void* self, std::size_t current, std::size_t /*initial*/) {
  auto& bound = *static_cast<HeapBound*>(self);
  if (bound.made_bytes_ < bound.bytes_ && current < bound.bytes_) {
    return bound.bytes_;  // more than the isolate was made with is configured
  }
  bound.reached_ = true;
  bound.isolate_->TerminateExecution();
  if (bound.raises_ >= kRaisesMax) {
    return current;
  }
  ++bound.raises_;
  return current + kRaiseBytes;
}

}  // namespace sluice::codemode_runner
