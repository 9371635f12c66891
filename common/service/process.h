// The process around a service: settings, loop, signals, health listener, exit code. Internal to
// this library.
#pragma once

#include "common/config/config.h"
#include "common/observability/log.h"
#include "common/service/run.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::service {

inline constexpr int kExitStopped = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitNotStarted = 2;

struct Observability {
  std::string address;
  std::uint16_t port = 0;
  observability::Level level = observability::Level::Info;
  bool json = false;
  std::string run_directory;

  static Observability load(config::Document& document);
};

struct ProcessOptions {
  std::string service;
  std::string instance;
  std::string secrets_directory;
  Observability observability;
};

// SLUICE_INSTANCE and SLUICE_SECRETS_DIR, or what stands for them. Errors: Invalid.
[[nodiscard]] Result<ProcessOptions> process_options(
    const std::string& service, const config::Environment& environment, Observability observability
);

// Runs until a signal comes or start's task ends. Returns the exit code.
[[nodiscard]] int run_process(ProcessOptions options, const detail::Starter& start);

}  // namespace sluice::service
