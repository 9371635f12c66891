#include "services/ingress/domain/code_message.h"

#include "services/ingress/limits.h"

#include "common/json/write.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::string_view kEnumPrefix = "OUTCOME_";
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
  json::append_quoted(out, outcome_name(final.outcome()));
  append_member(out, "message", error.message());
  if (error.line() > 0) {
    out.append(R"(,"line":)").append(std::to_string(error.line()));
    out.append(R"(,"column":)").append(std::to_string(error.column()));
  }
  append_member(out, "hint", error.hint());
  append_member(out, "stack", error.stack());
  return out + "}";
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

std::string outcome_name(codemode::v1::Outcome outcome) {
  std::string name = codemode::v1::Outcome_Name(outcome);
  if (!name.starts_with(kEnumPrefix)) {
    return "unknown";
  }
  name.erase(0, kEnumPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
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
