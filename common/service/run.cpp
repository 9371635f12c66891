#include "common/service/run.h"

#include "common/service/process.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string_view>
#include <utility>

namespace sluice::service::detail {
namespace {

// For people at a terminal, before there is a log.
void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

struct Arguments {
  std::string config_path;
  bool check_config = false;
  bool print_config = false;
  bool print_settings = false;
};

int print_settings(const Loader& load) {
  config::Document document = config::Document::describing();
  static_cast<void>(Observability::load(document));
  static_cast<void>(load(document));
  print(stdout, document.settings_table());
  return kExitStopped;
}

int refuse(const std::string& name, const std::string& message) {
  print(stderr, name + " cannot start:\n" + message + "\n");
  return kExitNotStarted;
}

int run_configured(const std::string& name, Arguments arguments, const Loader& load) {
  config::Environment environment = config::process_environment();
  if (arguments.config_path.empty()) {
    const auto variable = environment.find("SLUICE_CONFIG");
    if (variable == environment.end() || variable->second.empty()) {
      return refuse(name, "no configuration file; give --config <file> or set SLUICE_CONFIG");
    }
    arguments.config_path = variable->second;
  }
  auto document = config::Document::load(arguments.config_path, environment);
  if (!document.ok()) {
    return refuse(name, document.error().message());
  }
  Observability observability = Observability::load(document.value());
  const Starter start = load(document.value());
  const auto finished = document.value().finish();
  for (const std::string& warning : document.value().warnings()) {
    print(stderr, "warning: " + warning + "\n");
  }
  if (!finished.ok()) {
    return refuse(name, finished.error().message());
  }
  if (arguments.print_config) {
    print(stdout, document.value().effective());
    return kExitStopped;
  }
  if (arguments.check_config) {
    print(stdout, arguments.config_path + ": ok for " + name + "\n");
    return kExitStopped;
  }
  auto options = process_options(name, environment, std::move(observability));
  if (!options.ok()) {
    return refuse(name, options.error().message());
  }
  return run_process(std::move(options).value(), start);
}

}  // namespace

int run(const std::string& name, int argc, char** argv, Loader load) {
  CLI::App app("Sluice: " + name, name);
  Arguments arguments;
  app.set_version_flag("--version", name + " " SLUICE_VERSION);
  app.add_option("--config", arguments.config_path, "Settings file (else SLUICE_CONFIG)");
  app.add_flag("--check-config", arguments.check_config, "Check the settings, then end");
  app.add_flag(
      "--print-config", arguments.print_config, "Print the settings in use, secrets masked"
  );
  app.add_flag("--print-settings", arguments.print_settings, "Print the table of all settings");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitStopped : kExitNotStarted;
  }
  if (arguments.print_settings) {
    return print_settings(load);
  }
  return run_configured(name, std::move(arguments), load);
}

}  // namespace sluice::service::detail
