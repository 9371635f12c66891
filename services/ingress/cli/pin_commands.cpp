#include "services/ingress/cli/pin_commands.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::cli {
namespace {

bool is_quarantined(const json::Value& pin) {
  const json::Value* const quarantined = pin.find("quarantined");
  return quarantined != nullptr && quarantined->as_bool().value_or(false);
}

std::string line_of(const json::Value& pin) {
  std::string line = std::string(is_quarantined(pin) ? "quarantined" : "pinned     ") + "  " +
                     pin.text_or("server", "?") + "  " + pin.text_or("tool", "?");
  const json::Value* const confusable = pin.find("confusable_with");
  if (confusable != nullptr && confusable->as_array() != nullptr) {
    for (const json::Value& other : *confusable->as_array()) {
      line += other.is_string() ? "  like " + *other.as_string() : "";
    }
  }
  return line + "\n";
}

std::string side(const json::Value& difference, std::string_view key, std::string_view sign) {
  const json::Value* const value = difference.find(key);
  return value != nullptr && value->is_string()
             ? "    " + std::string(sign) + " " + *value->as_string() + "\n"
             : "";
}

std::string pin_text(const json::Value& pin) {
  std::string out = line_of(pin);
  const std::string by = pin.text_or("pinned_by", "");
  if (!by.empty()) {
    out += "  pinned by " + by + " at " + pin.text_or("pinned_at", "?") + ": " +
           pin.text_or("pinned_hash", "?") + "\n";
  }
  if (is_quarantined(pin)) {
    out += "  offered since " + pin.text_or("offered_at", "?") + ": " +
           pin.text_or("offered_hash", "?") + "\n";
  }
  const json::Value* const differences = pin.find("differences");
  if (differences != nullptr && differences->as_array() != nullptr) {
    for (const json::Value& difference : *differences->as_array()) {
      const std::string pointer = difference.text_or("pointer", "?");
      out += "  " + (pointer.empty() ? "the definition" : pointer) + "\n" +
             side(difference, "pinned", "-") + side(difference, "offered", "+");
    }
  }
  const json::Value* const warnings = pin.find("warnings");
  if (warnings != nullptr && warnings->as_array() != nullptr) {
    for (const json::Value& warning : *warnings->as_array()) {
      out += "  " + (warning.is_string() ? *warning.as_string() : "?") + "\n";
    }
  }
  return out;
}

Answer shown(const json::Value& pin, Format format) {
  return {kExitDone, format == Format::Json ? json::write(pin) + "\n" : pin_text(pin)};
}

std::string path_of(const std::string& server, const std::string& tool) {
  return "/api/pins/" + url_encoded(server) + "?tool=" + url_encoded(tool);
}

}  // namespace

Async<Answer> list_pins(Gateway* gateway, Pins which, Format format) {
  SLUICE_CO_TRY(
      const json::Value reply,
      co_await gateway->get(which == Pins::Quarantined ? "/api/pins?quarantined=true" : "/api/pins")
  );
  if (format == Format::Json) {
    co_return Answer{kExitDone, json::write(reply) + "\n"};
  }
  std::string text;
  const json::Value* const pins = reply.find("pins");
  if (pins != nullptr && pins->as_array() != nullptr) {
    for (const json::Value& pin : *pins->as_array()) {
      text += line_of(pin);
    }
  }
  co_return Answer{kExitDone, text.empty() ? "no pins\n" : text};
}

Async<Answer> show_pin(Gateway* gateway, std::string server, std::string tool, Format format) {
  SLUICE_CO_TRY(const json::Value pin, co_await gateway->get(path_of(server, tool)));
  co_return shown(pin, format);
}

Async<Answer> approve_pin(
    Gateway* gateway, std::string server, std::string tool, std::string hash, Format format
) {
  json::Object body;
  body.set("definition_hash", std::move(hash));
  body.set("approve", true);
  SLUICE_CO_TRY(
      const json::Value pin, co_await gateway->post(path_of(server, tool), std::move(body))
  );
  co_return shown(pin, format);
}

}  // namespace sluice::cli
