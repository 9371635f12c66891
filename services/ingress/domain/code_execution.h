// CodeExecution: carries out the meta-tools: runs the script of an executeToolCode call in
// codemode-sandbox and words what came of it, and reads what scripts can call. A script that fails
// is an answer too: the model can mend it.
//
// Executing the same call again runs the script again; its writes and deletes meet the grants of
// the first run and are answered from the trail (codemode-sandbox, ToolCaller).
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/ports.h"

#include "common/async/clock.h"
#include "common/http/message.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

// The script of a call's arguments, {"code": "…"}. Errors: Invalid.
[[nodiscard]] Result<std::string> script_of(std::string_view arguments);

// What a reading meta-tool asks. Errors: Invalid.
[[nodiscard]] Result<codemode::v1::DescribeRequest> description_of(
    std::string_view tool, std::string_view arguments
);

// What is to be run, and for whom.
struct CodeCall {
  const http::HttpRequest* request = nullptr;  // carries the credential; outlives the run
  std::string source;
  std::string call_id;
  policy::v1::ToolFilter filter;  // of the request's include headers
  bool unattended = false;        // nobody executes it explicitly
};

struct CodeAnswer {
  std::string content;  // JSON, for the model (code_message.h)
  bool ok = false;      // the script returned
  std::string run_id;
  std::string outcome;    // name_of(Outcome)
  std::uint32_t hop = 0;  // highest of the run's records
  bool waits = false;     // unattended: nothing ran, somebody has to execute it
  bool called = false;    // it made a tool call
  std::vector<codemode::v1::CallVerdict> call_set;
};

class CodeExecution {
 public:
  struct Deps {
    Admission* admission;  // all outlive it
    CodeRunner* runner;
    async::Clock* clock;
    std::chrono::milliseconds run_time{30'000};  // codemode.run_seconds and .park_seconds
  };

  explicit CodeExecution(Deps deps) : deps_(deps) {}

  // context: of tool.execute, whose hop the run's records follow. Errors: Invalid, Unauthenticated,
  // Exhausted, Unavailable (no runner, or codemode-sandbox does not answer), Deadline.
  Async<CodeAnswer> run(CodeCall call, RequestContext context);

  // The answer of a reading meta-tool, for the model. Errors: Invalid, Unauthenticated,
  // Unavailable, Deadline.
  Async<std::string> read(
      std::string tool, std::string arguments, policy::v1::ToolFilter filter, RequestContext context
  );

 private:
  Deps deps_;
};

}  // namespace sluice::ingress
