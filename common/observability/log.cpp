#include "common/observability/log.h"

#include "common/observability/log_line.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <unistd.h>

namespace sluice::observability {
namespace {

// No state but its settings, so pool threads may use it too. One write(2) an event keeps lines
// whole.
class StderrLog final : public Log {
 public:
  StderrLog(std::string service, std::string instance, Level lowest, bool as_json)
      : service_(std::move(service)),
        instance_(std::move(instance)),
        lowest_(lowest),
        as_json_(as_json) {}

  void write(Level level, std::string_view event, LogFields fields) override {
    if (level < lowest_) {
      return;
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const LogLine line{
        .service = service_,
        .instance = instance_,
        .level = level,
        .unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
        .event = event,
        .fields = fields,
    };
    emit(as_json_ ? json_line(line) : text_line(line));
  }

 private:
  // A log nobody can read any more must not stop the service: a failed write is dropped.
  static void emit(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written <= 0) {
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  std::string service_;
  std::string instance_;
  Level lowest_;
  bool as_json_;
};

}  // namespace

std::unique_ptr<Log> make_stderr_log(
    std::string service, std::string instance, Level lowest, bool as_json
) {
  return std::make_unique<StderrLog>(std::move(service), std::move(instance), lowest, as_json);
}

}  // namespace sluice::observability
