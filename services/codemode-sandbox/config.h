// Settings of codemode-sandbox: the sections bus, codemode and audit.
#pragma once

#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/config/config.h"

namespace sluice::codemode_sandbox {

struct Config {
  bus::NatsOptions bus;
  audit::Options audit;

  // Never fails: faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

}  // namespace sluice::codemode_sandbox
