#include "services/codemode-sandbox/domain/runner_bounds.h"

#include "services/codemode-sandbox/limits.h"

#include "common/json/parse.h"

#include <algorithm>
#include <array>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::array<std::string_view, 5> kLevels{"log", "info", "warn", "error", "debug"};

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void fail(
    runner::Finished& finished, codemode::v1::Outcome outcome, const char* message, const char* hint
) {
  finished.set_outcome(outcome);
  finished.clear_value();
  finished.clear_error();
  finished.mutable_error()->set_message(message);
  finished.mutable_error()->set_hint(hint);
}

void clip(std::string* text, std::size_t max) {
  text->resize(clipped(*text, max).size());
}

}  // namespace

std::string_view clipped(std::string_view text, std::size_t max) {
  if (text.size() <= max) {
    return text;
  }
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

std::string fault_of(const runner::Ready& ready) {
  if (ready.version() != kMessagesVersion) {
    return "it speaks version " + std::to_string(ready.version()) + " of the messages, not " +
           std::to_string(kMessagesVersion);
  }
  if (ready.runner_id().empty() || ready.runner_id().size() > kRunnerIdBytesMax ||
      !is_plain(ready.runner_id())) {
    return "its runner id is empty, too long or not plain text";
  }
  if (ready.slots() == 0 || ready.slots() > kSlotsMax) {
    return "its slots are not 1 to " + std::to_string(kSlotsMax);
  }
  if (ready.v8_version().size() > kRunnerIdBytesMax || !is_plain(ready.v8_version())) {
    return "its V8 version is too long or not plain text";
  }
  return "";
}

std::string fault_of(const runner::ToolCall& call) {
  if (call.server().empty() || call.server().size() > kCallNameBytesMax ||
      call.function().empty() || call.function().size() > kCallNameBytesMax) {
    return "a call's server or function is empty or too long";
  }
  if (call.arguments().size() > kCallArgumentsBytesMax) {
    return "a call's arguments are too long";
  }
  if (call.call_site().size() > kCallSiteBytesMax || !is_plain(call.call_site())) {
    return "a call's site is too long or not plain text";
  }
  return "";
}

std::string fault_of(const codemode::v1::Check& check) {
  if (check.diagnostics_size() > kDiagnosticsMax || check.escapes_size() > kDiagnosticsMax ||
      check.calls_size() > kCallSitesMax) {
    return "a check lists too much";
  }
  const auto fits = [](const auto& found) {
    return found.hint().size() <= kErrorHintBytesMax && found.excerpt().size() <= kExcerptBytesMax;
  };
  for (const auto& diagnostic : check.diagnostics()) {
    if (!fits(diagnostic) || diagnostic.message().size() > kErrorMessageBytesMax) {
      return "a diagnostic is too long";
    }
  }
  for (const auto& escape : check.escapes()) {
    if (!fits(escape) || escape.reason().size() > kErrorMessageBytesMax) {
      return "an escape is too long";
    }
  }
  for (const auto& call : check.calls()) {
    if (call.server().empty() || call.server().size() > kCallNameBytesMax || call.tool().empty() ||
        call.tool().size() > kCallNameBytesMax) {
      return "a listed call's server or tool is empty or too long";
    }
  }
  return "";
}

void make_fit(runner::Console& line) {
  if (std::find(kLevels.begin(), kLevels.end(), line.level()) == kLevels.end()) {
    line.set_level("log");
  }
  clip(line.mutable_text(), kConsoleLineBytesMax);
}

void make_fit(runner::Finished& finished, std::size_t value_bytes_max) {
  if (!codemode::v1::Outcome_IsValid(finished.outcome()) ||
      finished.outcome() == codemode::v1::OUTCOME_UNSPECIFIED) {
    fail(
        finished,
        codemode::v1::OUTCOME_KILLED,
        "the runner did not say how the script ended",
        "run it again; if it happens again, tell the operator"
    );
    return;
  }
  if (finished.outcome() != codemode::v1::OUTCOME_OK) {
    finished.clear_value();
    clip(finished.mutable_error()->mutable_message(), kErrorMessageBytesMax);
    clip(finished.mutable_error()->mutable_stack(), kErrorStackBytesMax);
    clip(finished.mutable_error()->mutable_hint(), kErrorHintBytesMax);
    clip(finished.mutable_error()->mutable_excerpt(), kExcerptBytesMax);
    if (!fault_of(finished.check()).empty()) {
      finished.clear_check();
    }
    if (finished.error().message().empty()) {
      finished.mutable_error()->set_message("the script ended without saying why");
    }
    return;
  }
  finished.clear_error();
  finished.clear_check();
  if (finished.value().size() > value_bytes_max) {
    fail(
        finished,
        codemode::v1::OUTCOME_SCRIPT_ERROR,
        "the returned value is too large",
        "return less: a summary, a count, or the first few entries"
    );
  } else if (!finished.value().empty() &&
             !json::parse(
                  finished.value(), {.depth_max = kValueDepthMax, .bytes_max = kValueBytesMax}
             )
                  .ok()) {
    fail(
        finished,
        codemode::v1::OUTCOME_SCRIPT_ERROR,
        "the returned value cannot be written as JSON",
        "return plain objects, arrays, strings and numbers, not nested deeper than 256, without "
        "half surrogate pairs"
    );
  }
}

}  // namespace sluice::codemode_sandbox
