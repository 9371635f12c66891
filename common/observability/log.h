// Structured logs: one line an event, "kebab-case-event key=value …", safe against line breaks in
// values. Never secrets.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace sluice::observability {

enum class Level { Debug, Info, Warn, Error };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}

  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}

  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}

  LogField(std::string_view k, bool v) : key(k), value(v) {}

  LogField(std::string_view k, double v) : key(k), value(v) {}

  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
  LogField(std::string_view k, I v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

using LogFields = std::initializer_list<LogField>;

class Log {
 public:
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  Log(Log&&) = delete;
  Log& operator=(Log&&) = delete;
  virtual ~Log() = default;

  virtual void write(Level level, std::string_view event, LogFields fields) = 0;

  void debug(std::string_view event, LogFields fields = {}) { write(Level::Debug, event, fields); }

  void info(std::string_view event, LogFields fields = {}) { write(Level::Info, event, fields); }

  void warn(std::string_view event, LogFields fields = {}) { write(Level::Warn, event, fields); }

  void error(std::string_view event, LogFields fields = {}) { write(Level::Error, event, fields); }
};

// Writes JSON or text lines to standard error. service and instance are on each line.
[[nodiscard]] std::unique_ptr<Log> make_stderr_log(
    std::string service, std::string instance, Level lowest, bool as_json
);

}  // namespace sluice::observability
