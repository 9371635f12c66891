// The compiler: a zygote with a checker warm, and the child that checks one script and takes the
// types out of it.
#include "services/codemode-sandbox/runner/child/exit_status.h"
#include "services/codemode-sandbox/runner/child/warm.h"
#include "services/codemode-sandbox/runner/jail/jail.h"
#include "services/codemode-sandbox/runner/v8/child_process.h"
#include "services/codemode-sandbox/runner/v8/last_words.h"
#include "services/codemode-sandbox/runner/v8/typescript_checker.h"

#include <fstream>
#include <iterator>

#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

// Source: v8.md 2.3 and 7.2: 41 to 50 MB of heap after warm-up, 256 MB more for one script.
constexpr std::size_t kHeapBytes = std::size_t{320} << 20;
constexpr std::uint64_t kAddressSpaceMoreBytes = std::uint64_t{384} << 20;
constexpr std::uint32_t kCpuSeconds = 2;
// Before the first fork; the zygote does the rest of them while nobody orders a child.
// Source: measured: one second, after which a check takes three times what it will take at last.
constexpr int kWarmUpSteps = 12;
// What these leave behind fits into the young generation with what a check needs.
constexpr int kStepsBetweenTidying = 8;

class Compiler final : public Warm {
 public:
  explicit Compiler(jail::SeccompProgram system_calls)
      : checker_(kHeapBytes), system_calls_(std::move(system_calls)), zygote_(::getpid()) {}

  Result<void> warm_up(const std::string& bundle) {
    SLUICE_CHECK_OK(checker_.load(bundle));
    for (int i = 0; i < kWarmUpSteps; ++i) {
      if (!checker_.warm_more()) {
        return Error(Code::Internal, "the compiler does not compile its warm-up scripts");
      }
    }
    checker_.engine().tidy();
    return measure();
  }

  [[nodiscard]] std::string v8_version() const override { return engine_version(); }

  bool warm_more() override {
    const bool more = checker_.warm_more();
    if (!more || ++steps_ % kStepsBetweenTidying == 0) {
      checker_.engine().tidy();
    }
    return measure().ok() && more;
  }

  void prepare(const std::string& digest, const std::string& declarations) override {
    checker_.prepare(digest, declarations);
    checker_.engine().tidy();
    static_cast<void>(measure());  // what it was stands otherwise
  }

  [[noreturn]] void run_child(int fd) override {
    FrameStream stream = begin_child(fd, zygote_);
    const auto first = stream.receive(FrameStream::Deadline::clock::now() + kFirstMessageWait);
    if (!first.ok() || first.value().message_case() != wire::ToChild::kCompile) {
      ::_exit(first_message_missing(first));
    }
    Engine& engine = checker_.engine();
    arm_silent_last_words(engine.isolate());
    engine.heap().set(kHeapBytes);
    const jail::Limits limits{
        .address_space_bytes = address_space_bytes_ + kAddressSpaceMoreBytes, .cpu_s = kCpuSeconds
    };
    if (!jail::close_inner(limits, system_calls_).ok()) {
      ::_exit(kExitJail);
    }
    wire::FromChild last;
    *last.mutable_compiled() = checker_.compile(first.value().compile());
    if (engine.heap().reached()) {
      ::_exit(kExitMemory);
    }
    const auto sent = stream.send(last, FrameStream::Deadline::clock::now() + kLastMessageWait);
    ::_exit(sent.ok() ? kExitDone : kExitNoRunner);
  }

 private:
  // In the zygote: a child has no files to read it from.
  Result<void> measure() {
    SLUICE_TRY(address_space_bytes_, address_space_bytes());
    return {};
  }

  TypescriptChecker checker_;
  jail::SeccompProgram system_calls_;
  pid_t zygote_;
  std::uint64_t address_space_bytes_ = 0;
  int steps_ = 0;
};

}  // namespace

Result<std::unique_ptr<Warm>> warm_compiler(const std::string& compiler_js_path) {
  std::ifstream file(compiler_js_path, std::ios::binary);
  const std::string bundle{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bundle.empty()) {
    return Error(
        Code::NotFound, "no compiler bundle at " + compiler_js_path + ": build compiler_js"
    );
  }
  fix_time_zone_and_language();
  SLUICE_TRY(
      auto system_calls, jail::SeccompProgram::make(kChildSocket, jail::ExecutableMemory::Allowed)
  );
  auto compiler = std::make_unique<Compiler>(std::move(system_calls));
  SLUICE_CHECK_OK(compiler->warm_up(bundle));
  return std::unique_ptr<Warm>(std::move(compiler));
}

}  // namespace sluice::codemode_runner
