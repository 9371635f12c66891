// RecordingLog: remembers events as text, so that a test can say what must be logged.
#pragma once

#include "common/observability/log.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::observability {

// Thread: one at a time.
class RecordingLog final : public Log {
 public:
  struct Event {
    Level level = Level::Info;
    std::string name;
    std::string fields;  // "key=value key=value", values as they were given
  };

  void write(Level level, std::string_view event, LogFields fields) override;

  [[nodiscard]] const std::vector<Event>& events() const { return events_; }

  [[nodiscard]] std::size_t count(std::string_view name) const;
  // Whether an event of that name has this text in its fields.
  [[nodiscard]] bool has(std::string_view name, std::string_view in_fields = "") const;

 private:
  std::vector<Event> events_;
};

}  // namespace sluice::observability
