#include "services/ingress/cli/run_commands.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::cli {
namespace {

std::string number(const json::Value& value, std::string_view key) {
  const json::Value* const found = value.find(key);
  return found != nullptr && found->is_number() ? json::write(*found) : "?";
}

std::string line_of(const json::Value& run) {
  std::string line = run.text_or("run_id", "?") + "  " + run.text_or("state", "?") + "  " +
                     number(run, "calls_made") + " calls";
  if (run.find("duration_ms") != nullptr) {
    line += "  " + number(run, "duration_ms") + " ms";
  }
  return line + "  " + run.text_or("principal", "?") + "\n";
}

const json::Array& items_of(const json::Value& run, std::string_view key) {
  static const json::Array kNone;
  const json::Value* const found = run.find(key);
  return found != nullptr && found->as_array() != nullptr ? *found->as_array() : kNone;
}

std::string diagnostics_text(const json::Value& run) {
  std::string out;
  const json::Value* const check = run.find("check");
  if (check == nullptr) {
    return out;
  }
  for (const json::Value& found : items_of(*check, "diagnostics")) {
    out += "  " + number(found, "line") + ":" + number(found, "column") + "  " +
           found.text_or("message", "?") + "\n";
  }
  for (const json::Value& escape : items_of(*check, "escapes")) {
    out += "  " + number(escape, "line") + ":" + number(escape, "column") +
           "  cannot be listed: " + escape.text_or("reason", "?") + "\n";
  }
  return out;
}

std::string calls_text(const json::Value& run) {
  std::string out;
  for (const json::Value& listed : items_of(run, "call_set")) {
    out += "  may call " + listed.text_or("server", "?") + "-" + listed.text_or("tool", "?") +
           ": " + listed.text_or("verdict", "?") + " (" + listed.text_or("rule", "?") + ")\n";
  }
  for (const json::Value& call : items_of(run, "calls")) {
    const std::string message = call.text_or("message", "");
    const json::Value* const arguments = call.find("arguments");
    out += "  " + call.text_or("call_site", "?") + "  " + call.text_or("server", "?") + "-" +
           call.text_or("tool", "?") + "  " + call.text_or("outcome", "under way") +
           (message.empty() ? "" : ": " + message) +
           (arguments != nullptr ? "  " + json::write(*arguments) : "") + "\n";
  }
  return out;
}

std::string run_text(const json::Value& run) {
  std::string out = line_of(run);
  const std::string approval = run.text_or("approval_id", "");
  if (!approval.empty()) {
    out += "  waits for approval " + approval + "\n";
  }
  out += diagnostics_text(run) + calls_text(run);
  for (const json::Value& line : items_of(run, "console")) {
    out += "  | " + line.text_or("text", "") + "\n";
  }
  if (const json::Value* const value = run.find("value"); value != nullptr) {
    out += "  value: " + json::write(*value) + "\n";
  }
  if (const json::Value* const error = run.find("error"); error != nullptr) {
    out += "  error: " + error->text_or("message", "?") + "\n";
    const std::string hint = error->text_or("hint", "");
    out += hint.empty() ? "" : "  hint: " + hint + "\n";
  }
  return out;
}

Answer shown(const json::Value& run, Format format) {
  return {kExitDone, format == Format::Json ? json::write(run) + "\n" : run_text(run)};
}

}  // namespace

Async<Answer> list_runs(Gateway* gateway, int limit, Format format) {
  SLUICE_CO_TRY(
      const json::Value reply, co_await gateway->get("/api/runs?limit=" + std::to_string(limit))
  );
  if (format == Format::Json) {
    co_return Answer{kExitDone, json::write(reply) + "\n"};
  }
  std::string text;
  for (const json::Value& run : items_of(reply, "runs")) {
    text += line_of(run);
  }
  co_return Answer{kExitDone, text.empty() ? "no runs\n" : text};
}

Async<Answer> show_run(Gateway* gateway, std::string id, Format format) {
  SLUICE_CO_TRY(const json::Value run, co_await gateway->get("/api/runs/" + url_encoded(id)));
  co_return shown(run, format);
}

Async<Answer> cancel_run(Gateway* gateway, std::string id, Format format) {
  SLUICE_CO_TRY(
      const json::Value run,
      co_await gateway->post("/api/runs/" + url_encoded(id) + "/cancel", json::Object())
  );
  co_return shown(run, format);
}

}  // namespace sluice::cli
