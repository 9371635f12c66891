// Settings of codemode-sandbox: the sections bus, redis, codemode and audit, and one of mcp.
#pragma once

#include "services/codemode-sandbox/domain/declarations/type_files.h"
#include "services/codemode-sandbox/domain/run_limits.h"
#include "services/codemode-sandbox/domain/script_review.h"

#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/config/config.h"
#include "common/redis/client.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace sluice::codemode_sandbox {

struct Config {
  bus::NatsOptions bus;
  audit::Options audit;
  redis::Options redis;
  std::string runner_directory;
  RunLimits limits;
  BindingLevel binding = BindingLevel::Server;
  std::size_t runs_max = 64;
  std::chrono::seconds park_time{60};
  std::size_t parked_max = 200;
  Escapes escapes = Escapes::Refuse;

  // Never fails: faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

}  // namespace sluice::codemode_sandbox
