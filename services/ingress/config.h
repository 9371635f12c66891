// Settings of ingress: sections bus, redis, http, audit, of auth who gives tokens, of mcp what
// decides how tools are offered, and of codemode how long a script may run.
#pragma once

#include "services/ingress/domain/protected_resource.h"
#include "services/ingress/domain/sampling.h"
#include "services/ingress/domain/virtual_servers.h"

#include "common/audit/client.h"
#include "common/bus/transport.h"
#include "common/config/config.h"
#include "common/http/server.h"
#include "common/redis/client.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ingress {

struct Config {
  bus::NatsOptions bus;
  redis::Options redis;
  audit::Options audit;
  http::ServerOptions http;
  std::vector<std::string> allowed_origins;  // of browser pages, beside those on this machine
  std::string public_url;                    // as browsers know the gateway; empty: not told
  std::chrono::milliseconds drain_timeout{10'000};
  std::size_t record_body_bytes_max = 0;
  bool servers_configured = false;  // mcp.client_configs is not empty
  bool disable_auto_tool_inject = false;
  std::size_t agent_depth = 10;
  std::vector<VirtualServer> virtual_servers;
  SamplingSettings sampling;
  ProtectedResource resource;
  bool legacy_sse = false;
  std::chrono::milliseconds tool_execution_timeout{30'000};
  std::chrono::milliseconds run_time{30'000};   // of one script
  std::chrono::milliseconds park_time{60'000};  // that it may wait for approvals besides

  // Never fails: faults are noted in the document.
  [[nodiscard]] static Config load(config::Document& document);
};

// auth.jwt and http.public_url.
[[nodiscard]] ProtectedResource read_protected_resource(
    config::Document& document, const std::string& public_url
);

// mcp.virtual_servers. clients: mcp.client_configs.
[[nodiscard]] std::vector<VirtualServer> read_virtual_servers(
    config::Section& mcp, const json::Value& clients
);

// "30s", "500ms", "2m" or a number of seconds; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> duration_of(const json::Value& value);

}  // namespace sluice::ingress
