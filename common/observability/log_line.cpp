#include "common/observability/log_line.h"

#include "common/base/bytes.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace sluice::observability {
namespace {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
  }
  return "error";
}

std::string timestamp(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 80> text{};
  const int size = std::snprintf(
      text.data(),
      text.size(),
      "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
      parts.tm_year + 1900,
      parts.tm_mon + 1,
      parts.tm_mday,
      parts.tm_hour,
      parts.tm_min,
      parts.tm_sec,
      static_cast<int>(unix_ms % 1000)
  );
  return {text.data(), static_cast<std::size_t>(size)};
}

// Cut at a character's border, so that what was UTF-8 stays so.
std::string_view shortened(std::string_view value) {
  if (value.size() <= kLogValueBytesMax) {
    return value;
  }
  std::size_t end = kLogValueBytesMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return value.substr(0, end);
}

// Bytes of the character at this place that a terminal or a line reader could act on: C0 and DEL
// (1), C1 controls (2), U+2028 and U+2029 (3). 0: harmless.
std::size_t hazard_at(std::string_view text, std::size_t at) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(at) < 0x20 || byte(at) == 0x7F) {
    return 1;
  }
  if (byte(at) == 0xC2 && at + 1 < text.size() && byte(at + 1) < 0xA0) {
    return 2;
  }
  if (byte(at) == 0xE2 && at + 2 < text.size() && byte(at + 1) == 0x80 &&
      (byte(at + 2) == 0xA8 || byte(at + 2) == 0xA9)) {
    return 3;
  }
  return 0;
}

void append_code(std::string& out, unsigned code) {
  std::array<char, 16> text{};
  const int size = std::snprintf(text.data(), text.size(), "\\u%04x", code);
  out.append(text.data(), static_cast<std::size_t>(size));
}

unsigned code_of(std::string_view character) {
  const auto byte = [&character](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(character[i]));
  };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return ((byte(0) & 0x1FU) << 6U) | (byte(1) & 0x3FU);
    default:
      return ((byte(0) & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
  }
}

void append_quoted(std::string& out, std::string_view whole) {
  const std::string_view text = shortened(whole);
  const bool utf8 = is_utf8(text);
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i++];
    } else if (byte == '\n') {
      out += "\\n";
      ++i;
    } else if (!utf8 && byte >= 0x80) {
      append_code(out, byte);
      ++i;
    } else if (const std::size_t length = hazard_at(text, i); length > 0) {
      append_code(out, code_of(text.substr(i, length)));
      i += length;
    } else {
      out += text[i++];
    }
  }
  if (text.size() < whole.size()) {
    out += "…";
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > kLogValueBytesMax || !is_utf8(text)) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '"' || text[i] == '=' || text[i] == '\\' ||
        hazard_at(text, i) > 0) {
      return false;
    }
  }
  return true;
}

void append_number(std::string& out, double number) {
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.12g", number);
  out.append(text.data(), static_cast<std::size_t>(size));
}

struct AppendValue {
  std::string& out;
  bool as_json;

  void operator()(std::string_view text) const {
    if (!as_json && is_plain(text)) {
      out += text;
    } else {
      append_quoted(out, text);
    }
  }

  void operator()(std::int64_t number) const { out += std::to_string(number); }

  void operator()(double number) const {
    if (as_json && !std::isfinite(number)) {
      out += "null";
    } else {
      append_number(out, number);
    }
  }

  void operator()(bool flag) const { out += flag ? "true" : "false"; }
};

}  // namespace

std::string text_line(const LogLine& line) {
  std::string out = timestamp(line.unix_ms);
  out += ' ';
  out += name_of(line.level);
  out += ' ';
  AppendValue append{out, false};
  append(line.event);
  for (const LogField& field : line.fields) {
    out += ' ';
    append(field.key);
    out += '=';
    std::visit(append, field.value);
  }
  out += " service=";
  append(line.service);
  out += " instance=";
  append(line.instance);
  out += '\n';
  return out;
}

std::string json_line(const LogLine& line) {
  std::string out = R"({"time":")";
  out += timestamp(line.unix_ms);
  out += R"(","level":")";
  out += name_of(line.level);
  out += R"(","service":)";
  append_quoted(out, line.service);
  out += R"(,"instance":)";
  append_quoted(out, line.instance);
  out += R"(,"event":)";
  append_quoted(out, line.event);
  for (const LogField& field : line.fields) {
    out += ',';
    append_quoted(out, field.key);
    out += ':';
    std::visit(AppendValue{out, true}, field.value);
  }
  out += "}\n";
  return out;
}

}  // namespace sluice::observability
