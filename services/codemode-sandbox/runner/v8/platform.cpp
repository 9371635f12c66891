#include "services/codemode-sandbox/runner/v8/platform.h"

#include <v8-version.h>

#include <ctime>
#include <utility>

#include <libplatform/libplatform.h>

namespace sluice::codemode_runner {
namespace {

constexpr double kMsPerSecond = 1e3;
constexpr double kNsPerMs = 1e6;

class ClockedPlatform final : public v8::Platform {
 public:
  ClockedPlatform(std::unique_ptr<v8::Platform> real, const ScriptClock& clock)
      : real_(std::move(real)), clock_(clock) {}

  double CurrentClockTimeMillis() override { return clock_.now_unix_ms(); }

  v8::PageAllocator* GetPageAllocator() override { return real_->GetPageAllocator(); }

  int NumberOfWorkerThreads() override { return real_->NumberOfWorkerThreads(); }

  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate* isolate) override {
    return real_->GetForegroundTaskRunner(isolate);
  }

  void CallOnWorkerThread(std::unique_ptr<v8::Task> task) override {
    real_->CallOnWorkerThread(std::move(task));
  }

  void CallDelayedOnWorkerThread(std::unique_ptr<v8::Task> task, double delay_s) override {
    real_->CallDelayedOnWorkerThread(std::move(task), delay_s);
  }

  std::unique_ptr<v8::JobHandle> PostJob(
      v8::TaskPriority priority, std::unique_ptr<v8::JobTask> job
  ) override {
    return real_->PostJob(priority, std::move(job));
  }

#if V8_MAJOR_VERSION >= 11
  std::unique_ptr<v8::JobHandle> CreateJob(
      v8::TaskPriority priority, std::unique_ptr<v8::JobTask> job
  ) override {
    return real_->CreateJob(priority, std::move(job));
  }
#endif

  double MonotonicallyIncreasingTime() override { return real_->MonotonicallyIncreasingTime(); }

  v8::TracingController* GetTracingController() override { return real_->GetTracingController(); }

 private:
  std::unique_ptr<v8::Platform> real_;
  const ScriptClock& clock_;
};

}  // namespace

double ScriptClock::now_unix_ms() const {
  if (is_set_) {
    return unix_ms_;
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) * kMsPerSecond +
         static_cast<double>(now.tv_nsec / static_cast<long>(kNsPerMs));
}

std::unique_ptr<v8::Platform> make_platform(const ScriptClock& clock) {
  return std::make_unique<ClockedPlatform>(v8::platform::NewSingleThreadedDefaultPlatform(), clock);
}

}  // namespace sluice::codemode_runner
