#include "services/codemode-sandbox/runner/supervisor/message_check.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <algorithm>
#include <array>

namespace sluice::codemode_runner {
namespace {

// A line costs more than its text on the way: a child may send this many in its last round over
// what it was allowed, and each line, however short, is counted.
constexpr std::size_t kConsoleSlackBytes = 2 * kConsoleLineBytesMax;
constexpr std::size_t kConsoleLinesMax = kConsoleBytesMax;

std::string_view fault_in(const codemode::v1::ScriptError& error) {
  if (error.message().size() > kErrorMessageBytesMax ||
      error.stack().size() > kErrorStackBytesMax || error.hint().size() > kErrorHintBytesMax ||
      error.excerpt().size() > kExcerptBytesMax) {
    return "its error is too long";
  }
  return {};
}

template <class Found>
bool fits(const Found& found, const std::string& text) {
  return text.size() <= kCheckTextBytesMax && found.hint().size() <= kCheckTextBytesMax &&
         found.excerpt().size() <= kExcerptBytesMax;
}

std::string_view fault_in(const codemode::v1::Check& check) {
  if (check.diagnostics_size() > kDiagnosticsMax || check.escapes_size() > kDiagnosticsMax ||
      check.calls_size() > kCallSitesMax) {
    return "its check lists too much";
  }
  for (const auto& diagnostic : check.diagnostics()) {
    if (!fits(diagnostic, diagnostic.message())) {
      return "a diagnostic is too long";
    }
  }
  for (const auto& escape : check.escapes()) {
    if (!fits(escape, escape.reason())) {
      return "an escape is too long";
    }
  }
  for (const auto& call : check.calls()) {
    if (call.server().empty() || call.server().size() > kNameBytesMax || call.tool().empty() ||
        call.tool().size() > kNameBytesMax) {
      return "a name in a listed call is empty or too long";
    }
  }
  return {};
}

std::string_view fault_in(const wire::Limits& limits) {
  if (limits.wall_ms() == 0 || limits.wall_ms() > kWallMsMax || limits.cpu_ms() == 0 ||
      limits.heap_bytes() == 0 || limits.heap_bytes() > kHeapBytesMax ||
      limits.console_bytes() > kConsoleBytesMax || limits.calls_max() > kCallsMax ||
      limits.value_bytes() > kValueBytesMax) {
    return "its limits are missing or too wide";
  }
  return {};
}

}  // namespace

std::string_view fault_of(const wire::Run& run) {
  if (run.run_id().empty() || run.run_id().size() > kRunIdBytesMax) {
    return "its run id is empty or too long";
  }
  if (run.source().size() > kSourceBytesMax) {
    return "the script is longer than 64 KiB";
  }
  if (run.declarations().size() > kDeclarationsBytesMax) {
    return "the declarations are longer than 1 MiB";
  }
  if (run.namespaces_size() > kNamespacesMax) {
    return "it names too many servers";
  }
  std::size_t functions = 0;
  for (const wire::Namespace& one : run.namespaces()) {
    functions += static_cast<std::size_t>(one.functions_size());
    const bool long_name =
        std::any_of(one.functions().begin(), one.functions().end(), [](const std::string& name) {
          return name.size() > kNameBytesMax;
        });
    if (one.name().empty() || one.name().size() > kNameBytesMax || long_name) {
      return "the name of a server or tool is empty or too long";
    }
  }
  if (functions > kFunctionsMax) {
    return "it names too many tools";
  }
  return fault_in(run.limits());
}

std::string_view fault_of(const wire::Compiled& compiled) {
  if (compiled.javascript().size() > kJavascriptBytesMax) {
    return "the compiled script is too long";
  }
  if (const std::string_view fault = fault_in(compiled.check()); !fault.empty()) {
    return fault;
  }
  return fault_in(compiled.error());
}

ExecutorCheck::ExecutorCheck(const wire::Limits& limits)
    : calls_max_(limits.calls_max()),
      value_bytes_max_(limits.value_bytes()),
      console_bytes_left_(limits.console_bytes() + kConsoleSlackBytes),
      console_lines_left_(kConsoleLinesMax) {}

std::string_view ExecutorCheck::fault_of(const wire::ToolCall& call) {
  if (calls_ >= calls_max_) {
    return "it made more calls than it may";
  }
  if (call.call_id() != calls_ + 1) {
    return "its calls are not numbered 1, 2, 3";
  }
  if (call.arguments().size() > kArgumentsBytesMax) {
    return "the arguments of a call are too long";
  }
  if (call.server().empty() || call.server().size() > kNameBytesMax || call.function().empty() ||
      call.function().size() > kNameBytesMax || call.call_site().size() > kCallSiteBytesMax) {
    return "a name in a call is empty or too long";
  }
  ++calls_;
  return {};
}

std::string_view ExecutorCheck::fault_of(const wire::Console& line) {
  constexpr std::array<std::string_view, 5> kLevels{"log", "info", "warn", "error", "debug"};
  if (std::find(kLevels.begin(), kLevels.end(), line.level()) == kLevels.end()) {
    return "a console line has an unknown level";
  }
  if (line.text().size() > kConsoleLineBytesMax) {
    return "a console line is too long";
  }
  if (line.text().size() > console_bytes_left_ || console_lines_left_ == 0) {
    return "it wrote more to the console than it may";
  }
  console_bytes_left_ -= line.text().size();
  --console_lines_left_;
  return {};
}

std::string_view ExecutorCheck::fault_of(const wire::Finished& finished) const {
  switch (finished.outcome()) {
    case codemode::v1::OUTCOME_OK:
    case codemode::v1::OUTCOME_TYPE_ERROR:
    case codemode::v1::OUTCOME_SCRIPT_ERROR:
    case codemode::v1::OUTCOME_TIMEOUT:
    case codemode::v1::OUTCOME_MEMORY:
    case codemode::v1::OUTCOME_DEADLOCK:
      break;
    default:
      return "it ended with an outcome that is not a child's to tell";
  }
  if (finished.value().size() > value_bytes_max_) {
    return "its value is too long";
  }
  return fault_in(finished.error());
}

}  // namespace sluice::codemode_runner
