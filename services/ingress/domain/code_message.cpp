#include "services/ingress/domain/code_message.h"

#include "services/ingress/limits.h"

#include "common/grant/outcome_name.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::string_view kNothingReturned =
    "the script returned nothing; end it with `return` and a value";

void append_member(std::string& out, std::string_view name, const std::string& text) {
  if (text.empty()) {
    return;
  }
  out.append(",\"").append(name).append("\":");
  json::append_quoted(out, text);
}

std::string error_json(const codemode::v1::RunFinal& final) {
  const codemode::v1::ScriptError& error = final.error();
  std::string out = R"({"outcome":)";
  json::append_quoted(out, name_of(final.outcome()));
  append_member(out, "message", error.message());
  if (error.line() > 0) {
    out.append(R"(,"line":)").append(std::to_string(error.line()));
    out.append(R"(,"column":)").append(std::to_string(error.column()));
  }
  append_member(out, "excerpt", error.excerpt());
  append_member(out, "hint", error.hint());
  append_member(out, "stack", error.stack());
  append_member(out, "approval_id", final.approval_id());
  return out + "}";
}

std::string diagnostic_json(const codemode::v1::Diagnostic& diagnostic) {
  std::string out = R"({"line":)" + std::to_string(diagnostic.line());
  out.append(R"(,"column":)").append(std::to_string(diagnostic.column()));
  append_member(out, "message", diagnostic.message());
  append_member(out, "excerpt", diagnostic.excerpt());
  append_member(out, "hint", diagnostic.hint());
  return out + "}";
}

// What kept the script from running, where the error alone does not say it all: a list, or empty.
std::string diagnostics_json(const codemode::v1::RunFinal& final) {
  std::string out;
  std::size_t count = 0;
  for (const auto& diagnostic : final.check().diagnostics()) {
    if (!diagnostic.blocks()) {
      continue;
    }
    const std::string one = diagnostic_json(diagnostic);
    if (out.size() + one.size() > kDiagnosticsBytesMax) {
      break;
    }
    out.append(out.empty() ? "" : ",").append(one);
    ++count;
  }
  return count > 1 ? "[" + out + "]" : "";
}

}  // namespace

void ConsoleLines::add(const codemode::v1::RunProgress& line) {
  const bool plain = line.level().empty() || line.level() == "log";
  std::string text = plain ? "" : "[" + line.level() + "] ";
  text.append(line.console());
  if (bytes_ + text.size() > kConsoleAnswerBytesMax || lines_.size() >= kConsoleAnswerLinesMax) {
    bytes_dropped_ += text.size();
    return;
  }
  bytes_ += text.size();
  lines_.push_back(std::move(text));
}

std::string code_content(const codemode::v1::RunFinal& final, const ConsoleLines& console) {
  std::string out;
  if (final.outcome() == codemode::v1::OUTCOME_OK) {
    out.append(R"({"result":)").append(final.value().empty() ? "null" : final.value());
    if (final.value().empty() && console.lines().empty()) {
      append_member(out, "hint", std::string(kNothingReturned));
    }
  } else {
    out.append(R"({"error":)").append(error_json(final));
    const std::string diagnostics =
        final.outcome() == codemode::v1::OUTCOME_TYPE_ERROR ? diagnostics_json(final) : "";
    if (!diagnostics.empty()) {
      out.append(R"(,"diagnostics":)").append(diagnostics);
    }
  }
  if (!console.lines().empty()) {
    out.append(R"(,"console":[)");
    for (const std::string& line : console.lines()) {
      if (&line != &console.lines().front()) {
        out.push_back(',');
      }
      json::append_quoted(out, line);
    }
    out.push_back(']');
  }
  if (const std::size_t dropped = final.console_bytes_dropped() + console.bytes_dropped();
      dropped > 0) {
    out.append(R"(,"console_bytes_dropped":)").append(std::to_string(dropped));
  }
  return out + "}";
}

}  // namespace sluice::ingress
