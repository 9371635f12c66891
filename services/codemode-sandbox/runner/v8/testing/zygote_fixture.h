// A warm zygote in a process of its own, and a host that answers its children's calls. Only V8's
// side is real here: the supervisor's part is played by the test.
#pragma once

#include "services/codemode-sandbox/runner/child/frames.h"
#include "services/codemode-sandbox/runner/child/warm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::codemode_runner {

struct Ran {
  // What the child said last, or what its end means.
  wire::Finished finished;
  wire::Compiled compiled;
  bool said_it_itself = false;
  std::vector<wire::ToolCall> calls;
  std::vector<wire::Console> console;
  int wait_status = 0;
  std::chrono::milliseconds wall{0};

  [[nodiscard]] std::string console_text() const;
};

// Results to send after a call has come.
using Host = std::function<std::vector<wire::CallResult>(const wire::ToolCall&)>;

// What to send after a call has come: before, then, after the time, the rest.
struct Waited {
  std::vector<wire::ToChild> before;
  std::chrono::milliseconds wait{0};
  std::vector<wire::ToChild> after;
};

using RawHost = std::function<Waited(const wire::ToolCall&)>;

class ZygoteProcess {
 public:
  using WarmUp = std::function<Result<std::unique_ptr<Warm>>()>;

  explicit ZygoteProcess(const WarmUp& warm_up);
  ZygoteProcess(const ZygoteProcess&) = delete;
  ZygoteProcess& operator=(const ZygoteProcess&) = delete;
  ~ZygoteProcess();

  // Forks a child, sends the message, answers its calls, kills it after the time.
  [[nodiscard]] Ran run(
      const wire::ToChild& first, std::chrono::milliseconds kill_after, const Host& host = {}
  );
  [[nodiscard]] Ran run_raw(
      const wire::ToChild& first, std::chrono::milliseconds kill_after, const RawHost& host
  );

 private:
  int control_ = -1;
  pid_t pid_ = -1;
};

// A run of the script with a 300 ms wall limit and ordinary limits otherwise.
[[nodiscard]] wire::ToChild start_of(std::string javascript);

[[nodiscard]] wire::CallResult value_of(const wire::ToolCall& call, std::string json);
[[nodiscard]] wire::CallResult error_of(
    const wire::ToolCall& call, std::string code, std::string message
);

// Answers every call at once with its own arguments.
[[nodiscard]] std::vector<wire::CallResult> echo(const wire::ToolCall& call);

// One warm executor for all tests of a suite.
class ExecutorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  // Killed 500 ms after its wall limit, as the supervisor does.
  [[nodiscard]] static Ran run(const wire::ToChild& start, const Host& host = echo);
  [[nodiscard]] static Ran run(std::string javascript, const Host& host = echo);
  // Killed after 3 s.
  [[nodiscard]] static Ran run_raw(const wire::ToChild& start, const RawHost& host);

 private:
  static std::unique_ptr<ZygoteProcess> zygote_;
};

}  // namespace sluice::codemode_runner
