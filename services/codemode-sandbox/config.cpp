#include "services/codemode-sandbox/config.h"

#include "services/codemode-sandbox/limits.h"

#include "common/redis/settings.h"
#include "common/service/connect.h"
#include "common/service/script_times.h"

namespace sluice::codemode_sandbox {
namespace {

std::size_t size_of(config::Section& section, std::string_view key, config::Integer setting) {
  return static_cast<std::size_t>(section.integer(key, std::move(setting)));
}

void read_codemode(config::Document& document, Config& config) {
  auto section = document.section("codemode");
  config.runner_directory = section.text(
      "runner_directory",
      {.fallback = "/run/sluice/runners",
       .choices = {},
       .description = "Where service and runners meet: one socket per instance. Only service and "
                      "runners may write there."}
  );
  const service::ScriptTimes times = service::read_script_times(section);
  config.limits.wall = times.run;
  config.park_time = times.park;
  config.limits.heap_bytes = size_of(
                                 section,
                                 "heap_mb",
                                 {.fallback = 64,
                                  .min = 1,
                                  .max = 1'024,
                                  .unit = "MiB",
                                  .description = "JavaScript heap of one script."}
                             )
                             << 20;
  config.limits.console_bytes = size_of(
                                    section,
                                    "console_kb",
                                    {.fallback = 256,
                                     .min = 1,
                                     .max = 1'024,
                                     .unit = "KiB",
                                     .description = "Console output kept of one script."}
                                )
                                << 10;
  config.limits.calls_max = static_cast<std::uint32_t>(size_of(
      section,
      "calls_max",
      {.fallback = 200,
       .min = 1,
       .max = 10'000,
       .unit = "",
       .description = "Tool calls one script may make."}
  ));
  config.runs_max = size_of(
      section,
      "runs_max",
      {.fallback = 64,
       .min = 1,
       .max = 1'024,
       .unit = "",
       .description = "Scripts under way in one instance, waiting ones included."}
  );
  config.parked_max = size_of(
      section,
      "parked_max",
      {.fallback = 200,
       .min = 0,
       .max = 1'000,
       .unit = "",
       .description = "Scripts of one instance that wait for approvals at a time; further ones end "
                      "as approval_required at once."}
  );
  const std::string escapes = section.text(
      "escapes",
      {.fallback = "refuse",
       .choices = {"refuse", "ask"},
       .description = "Scripts whose calls cannot all be listed before they run: not run, or run "
                      "with an approval asked for each call."}
  );
  config.escapes = escapes == "ask" ? Escapes::Ask : Escapes::Refuse;
}

// Bifrost's file has it among the settings of tools.
BindingLevel read_binding(config::Document& document) {
  const auto setting = [](std::string fallback, std::string description) {
    return config::Text{
        .fallback = std::move(fallback),
        .choices = {"server", "tool"},
        .description = std::move(description)
    };
  };
  auto mcp = document.section("mcp");
  mcp.leave_rest();
  auto tools = mcp.child("tool_manager_config");
  tools.leave_rest();
  const std::string elsewhere =
      tools.text("code_mode_binding_level", setting("server", "where codemode has none"));
  const std::string level =
      document.section("codemode")
          .text(
              "code_mode_binding_level",
              setting(elsewhere, "Type files models read: one a server, or one a tool.")
          );
  return level == "tool" ? BindingLevel::Tool : BindingLevel::Server;
}

}  // namespace

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.redis = redis::read_options(document, "codemode-sandbox");
  read_codemode(document, config);
  config.binding = read_binding(document);
  config.audit = service::read_audit(document, "codemode-sandbox");
  return config;
}

}  // namespace sluice::codemode_sandbox
