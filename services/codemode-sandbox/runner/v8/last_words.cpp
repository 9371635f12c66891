#include "services/codemode-sandbox/runner/v8/last_words.h"

#include "services/codemode-sandbox/runner/child/exit_status.h"

#include <v8-version.h>

#include <csignal>
#include <exception>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// Enough to make and send one message with.
constexpr std::size_t kReserveBytes = std::size_t{2} << 20;

struct Armed {
  const RunState* state = nullptr;
  void* reserve = MAP_FAILED;
};

Armed& armed() {
  static Armed one;
  return one;
}

void* map(std::size_t bytes) {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

[[noreturn]] void speak() {
  const Armed told = armed();
  armed() = {};
  if (told.state == nullptr) {
    ::_exit(kExitMemory);  // silent, or out of memory once more while speaking
  }
  stop_timers();
  if (told.reserve != MAP_FAILED) {
    ::munmap(told.reserve, kReserveBytes);
  }
  wire::FromChild message;
  *message.mutable_finished() = finished_memory();
  fill_usage(*message.mutable_finished(), *told.state);
  RunState last = *told.state;
  ::_exit(last.send(message) ? kExitDone : kExitMemory);
}

#if V8_MAJOR_VERSION >= 11
void on_out_of_memory(const char* /*where*/, const v8::OOMDetails& /*details*/) {
  speak();
}
#else
void on_out_of_memory(const char* /*where*/, bool /*is_heap*/) {
  speak();
}
#endif

}  // namespace

void arm_silent_last_words(v8::Isolate* isolate) {
  isolate->SetOOMErrorHandler(on_out_of_memory);
  std::set_new_handler([] { speak(); });
  std::set_terminate([] { speak(); });
}

void arm_last_words(v8::Isolate* isolate, const RunState& state) {
  armed() = {.state = &state, .reserve = map(kReserveBytes)};
  arm_silent_last_words(isolate);
}

bool out_of_address_space() {
  constexpr std::size_t kWorthSpeakingOf = std::size_t{16} << 20;
  void* const probe = map(kWorthSpeakingOf);
  if (probe == MAP_FAILED) {
    return true;
  }
  ::munmap(probe, kWorthSpeakingOf);
  return false;
}

wire::Finished finished_memory() {
  return outcome_of({.wait_status = SIGTRAP});
}

}  // namespace sluice::codemode_runner
