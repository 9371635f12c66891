// V8 of one zygote and, after the fork, of one child: started once, never stopped.
#pragma once

#include "services/codemode-sandbox/runner/v8/memory.h"
#include "services/codemode-sandbox/runner/v8/platform.h"

#include "common/base/result.h"

#include <v8.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::codemode_runner {

enum class EngineKind {
  Executor,  // no JIT: its jail refuses executable memory
  Compiler,  // baseline JIT
};

class Engine {
 public:
  // Starts V8 in this process, makes the isolate and enters it. Once per process.
  Engine(EngineKind kind, std::size_t heap_bytes);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() = default;

  [[nodiscard]] v8::Isolate* isolate() const { return isolate_; }

  [[nodiscard]] ScriptClock& clock() { return clock_; }

  [[nodiscard]] HeapBound& heap() { return *heap_; }

  [[nodiscard]] CappedAllocator& buffers() { return buffers_; }

  // Collects all garbage, so that children forked from here on have none to look at.
  void tidy();

  // Of Math.random. Before its first use in this process.
  void seed(std::uint64_t seed);

 private:
  ScriptClock clock_;
  CappedAllocator buffers_;
  std::unique_ptr<v8::Platform> platform_;
  v8::Isolate* isolate_ = nullptr;
  std::unique_ptr<HeapBound> heap_;
};

// "10.2.154.26-node.37"
[[nodiscard]] std::string engine_version();

// Time zone UTC and English for everything that asks the environment. Before Engine.
void fix_time_zone_and_language();

// Bytes of address space this process has mapped. Errors: Internal.
[[nodiscard]] Result<std::uint64_t> address_space_bytes();

}  // namespace sluice::codemode_runner
