#include "common/observability/testing/recording_log.h"

#include <algorithm>

namespace sluice::observability {
namespace {

struct ToText {
  std::string operator()(std::string_view text) const { return std::string(text); }

  std::string operator()(std::int64_t number) const { return std::to_string(number); }

  std::string operator()(double number) const { return std::to_string(number); }

  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

}  // namespace

void RecordingLog::write(Level level, std::string_view event, LogFields fields) {
  Event remembered{.level = level, .name = std::string(event), .fields = {}};
  for (const LogField& field : fields) {
    if (!remembered.fields.empty()) {
      remembered.fields += ' ';
    }
    remembered.fields += std::string(field.key) + "=" + std::visit(ToText{}, field.value);
  }
  events_.push_back(std::move(remembered));
}

std::size_t RecordingLog::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      events_.begin(), events_.end(), [name](const Event& event) { return event.name == name; }
  ));
}

bool RecordingLog::has(std::string_view name, std::string_view in_fields) const {
  return std::any_of(events_.begin(), events_.end(), [&](const Event& event) {
    return event.name == name && event.fields.find(in_fields) != std::string::npos;
  });
}

}  // namespace sluice::observability
