#include "services/ingress/cli/limit_commands.h"

#include "common/json/write.h"

#include <string>

namespace sluice::cli {
namespace {

std::string number_text(const json::Value& counter, std::string_view key) {
  const json::Value* const value = counter.find(key);
  return value == nullptr ? "?" : json::write(*value);
}

std::string line_of(const std::string& limit, const json::Value& counter) {
  const bool at_once = counter.text_or("counts", "") == "at_once";
  const std::string frees = counter.text_or("frees_at", "");
  return limit + "  " + counter.text_or("subject", "?") + "  " + number_text(counter, "taken") +
         " of " + number_text(counter, "of") + (at_once ? " at once" : " calls") +
         (frees.empty() ? "" : "  frees at " + frees) + "\n";
}

std::string text_of(const json::Value& limit) {
  const std::string id = limit.text_or("id", "?");
  const json::Value* const counters = limit.find("counters");
  std::string text;
  if (counters != nullptr && counters->as_array() != nullptr) {
    for (const json::Value& counter : *counters->as_array()) {
      text += line_of(id, counter);
    }
  }
  return text.empty() ? id + "  nothing counted\n" : text;
}

}  // namespace

Async<Answer> list_limits(Gateway* gateway, Format format) {
  SLUICE_CO_TRY(const json::Value reply, co_await gateway->get("/api/limits"));
  if (format == Format::Json) {
    co_return Answer{kExitDone, json::write(reply) + "\n"};
  }
  std::string text;
  const json::Value* const limits = reply.find("limits");
  if (limits != nullptr && limits->as_array() != nullptr) {
    for (const json::Value& limit : *limits->as_array()) {
      text += text_of(limit);
    }
  }
  co_return Answer{kExitDone, text.empty() ? "no limits\n" : text};
}

}  // namespace sluice::cli
