#include "services/codemode-sandbox/runner/v8/engine.h"

#include <v8-version.h>

#include <cstdlib>
#include <fstream>

#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// Loops check for the end of their time each time the budget is spent; the default of 132 KB lets
// a loop of slow calls run for ever. Source: measured with for(;;) u8.fill(1): 0.7 s late at most.
constexpr const char* kExecutorFlags =
    "--jitless --single-threaded --no-expose-wasm --no-harmony-sharedarraybuffer"
    " --interrupt-budget=4096"
#if V8_MAJOR_VERSION >= 11
    " --no-freeze-flags-after-init"  // the seed is set in the child
#endif
    ;
// A child lives for one check, which fits into the young generation: nothing is copied. What the
// zygote has compiled is kept when its heap is tidied. Source: measured: 40 ms of CPU for a check
// instead of 75.
constexpr const char* kCompilerFlags =
    "--single-threaded --no-opt --sparkplug --no-expose-wasm --no-flush-bytecode"
    " --min-semi-space-size=32 --max-semi-space-size=32";

}  // namespace

Engine::Engine(EngineKind kind, std::size_t heap_bytes) {
  v8::V8::SetFlagsFromString(kind == EngineKind::Executor ? kExecutorFlags : kCompilerFlags);
  platform_ = make_platform(clock_);
  v8::V8::InitializePlatform(platform_.get());
  v8::V8::Initialize();

  v8::Isolate::CreateParams params;
  buffers_.set_bound(heap_bytes);
  params.array_buffer_allocator = &buffers_;
  params.constraints.ConfigureDefaultsFromHeapSize(0, heap_bytes);
  params.allow_atomics_wait = false;
  isolate_ = v8::Isolate::New(params);
  isolate_->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate_->Enter();
  heap_ = std::make_unique<HeapBound>(isolate_, heap_bytes);
}

void Engine::seed(std::uint64_t seed) {
  // V8 takes 31 bits and reads 0 as "choose one".
  constexpr std::uint64_t kSeedMax = 0x7fffffff;
  const std::uint64_t folded = (seed ^ (seed >> 32)) % kSeedMax + 1;
  v8::V8::SetFlagsFromString(("--random-seed=" + std::to_string(folded)).c_str());
}

void Engine::tidy() {
  isolate_->LowMemoryNotification();
}

std::string engine_version() {
  return v8::V8::GetVersion();
}

void fix_time_zone_and_language() {
  // NOLINTBEGIN(concurrency-mt-unsafe): a zygote has one thread
  ::setenv("TZ", "UTC", 1);
  ::setenv("LANG", "en_US.UTF-8", 1);
  ::unsetenv("LC_ALL");
  ::unsetenv("LANGUAGE");
  // NOLINTEND(concurrency-mt-unsafe)
}

Result<std::uint64_t> address_space_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  if (!(file >> pages)) {
    return Error(Code::Internal, "/proc/self/statm cannot be read: mount /proc");
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace sluice::codemode_runner
