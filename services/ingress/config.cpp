#include "services/ingress/config.h"

#include "services/ingress/limits.h"

#include "common/redis/settings.h"
#include "common/service/connect.h"
#include "common/service/script_times.h"

#include <charconv>

namespace sluice::ingress {
namespace {

constexpr std::chrono::milliseconds kToolTimeoutMin{100};
constexpr std::chrono::milliseconds kToolTimeoutMax{600'000};

void read_browsers(config::Section& http, Config& config) {
  config.allowed_origins = http.list(
      "allowed_origins",
      {.fallback = std::vector<std::string>(),
       .description = "Origin headers of browser pages that may use /mcp, such as "
                      "https://app.example; pages on this machine always may"}
  );
  config.public_url = http.text(
      "public_url",
      {.fallback = "",
       .choices = {},
       .description = "URL at which browsers reach the gateway, such as https://gateway.example; "
                      "empty: as their requests name it"}
  );
  config.legacy_sse = http.flag(
      "legacy_sse",
      {.fallback = false,
       .description = "whether /sse serves MCP clients of 2024-11-05, which know no /mcp"}
  );
  if (!config.public_url.empty() && !config.public_url.starts_with("https://") &&
      !config.public_url.starts_with("http://")) {
    http.fault("public_url", "is no http:// or https:// URL; give one without a path");
  }
}

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

// A page whose name an attacker resolves to 127.0.0.1 (DNS rebinding) reaches a gateway that nobody
// else can; its Host header gives it away.
void limit_hosts(Config& config) {
  if (!config.http.allowed_hosts.empty() || !is_loopback(config.http.address)) {
    return;
  }
  config.http.allowed_hosts = {"localhost", "127.0.0.1", "[::1]", config.http.address};
  const auto scheme_end = config.public_url.find("://");
  if (scheme_end != std::string::npos) {
    const std::string host = config.public_url.substr(scheme_end + 3);
    config.http.allowed_hosts.push_back(host.substr(0, host.find('/')));
  }
}

void read_http(config::Document& document, Config& config) {
  auto http = document.section("http");
  config.http.address = http.text(
      "address",
      {.fallback = "127.0.0.1", .choices = {}, .description = "address the front door listens on"}
  );
  config.http.port = static_cast<std::uint16_t>(http.integer(
      "port",
      {.fallback = 8080,
       .min = 0,
       .max = 65535,
       .unit = "",
       .description = "its port; 0: any free one"}
  ));
  config.http.connections_max = static_cast<std::size_t>(http.integer(
      "connections_max",
      {.fallback = 4096,
       .min = 1,
       .max = 100'000,
       .unit = "",
       .description = "open client connections"}
  ));
  config.http.idle_timeout = http.milliseconds(
      "idle_timeout_ms",
      {.fallback = 75'000,
       .min = 1'000,
       .max = 3'600'000,
       .unit = "ms",
       .description = "between two requests of a connection"}
  );
  config.http.allowed_hosts = http.list(
      "allowed_hosts",
      {.fallback = std::vector<std::string>(),
       .description = "values of the Host header that are served; empty: any, and where "
                      "http.address is of this machine alone, its own names and the host of "
                      "http.public_url"}
  );
  read_browsers(http, config);
  config.http.tls_certificate_file = http.text(
      "tls_certificate_file",
      {.fallback = "",
       .choices = {},
       .description = "PEM file of the certificate chain; empty: no TLS"}
  );
  config.http.tls_key_file = http.text(
      "tls_key_file", {.fallback = "", .choices = {}, .description = "PEM file of its private key"}
  );
  if (config.http.tls_certificate_file.empty() != config.http.tls_key_file.empty()) {
    http.fault("tls_key_file", "certificate and key go together; set both or none");
  }
  config.drain_timeout = http.milliseconds(
      "drain_timeout_ms",
      {.fallback = 10'000,
       .min = 0,
       .max = 600'000,
       .unit = "ms",
       .description = "requests in flight may take this long at a stop"}
  );
  config.record_body_bytes_max = static_cast<std::size_t>(http.integer(
      "record_body_bytes_max",
      {.fallback = 0,
       .min = 0,
       .max = static_cast<std::int64_t>(kRecordBodyBytesMax),
       .unit = "bytes",
       .description =
           "of a chat request's body kept, redacted, in the audit trail; 0: its digest only"}
  ));
}

SamplingSettings read_sampling(config::Section& mcp) {
  auto section = mcp.child("sampling");
  SamplingSettings sampling;
  sampling.model = section.text(
      "model",
      {.fallback = "",
       .choices = {},
       .description = "answers servers that ask for a model (sampling) where the client has none, "
                      "as provider/model; empty: no model does"}
  );
  sampling.servers = section.list(
      "servers",
      {.fallback = std::vector<std::string>(),
       .description = "names of the servers it answers; *: all"}
  );
  sampling.max_tokens = section.integer(
      "max_tokens",
      {.fallback = 1'024,
       .min = 1,
       .max = 1'000'000,
       .unit = "tokens",
       .description = "of one answer, whatever the server asks for"}
  );
  const auto slash = sampling.model.find('/');
  if (!sampling.model.empty() && (slash == 0 || slash >= sampling.model.size() - 1)) {
    section.fault("model", "is not provider/model; give for example \"openai/gpt-5-mini\"");
  }
  if (sampling.model.empty() != sampling.servers.empty()) {
    section.fault("servers", "and model go together; set both or none");
  }
  return sampling;
}

void read_mcp(config::Document& document, Config& config) {
  auto mcp = document.section("mcp");
  mcp.leave_rest();
  const json::Value clients =
      mcp.raw("client_configs", "MCP servers; read by mcp-connector and policy-engine");
  config.servers_configured = clients.as_array() != nullptr && !clients.as_array()->empty();
  config.virtual_servers = read_virtual_servers(mcp, clients);
  config.sampling = read_sampling(mcp);
  auto tools = mcp.child("tool_manager_config");
  tools.leave_rest();
  config.disable_auto_tool_inject = tools.flag(
      "disable_auto_tool_inject",
      {.fallback = false,
       .description = "attach tools only to requests that carry an include header"}
  );
  config.agent_depth = static_cast<std::size_t>(tools.integer(
      "max_agent_depth",
      {.fallback = 10,
       .min = 1,
       .max = static_cast<std::int64_t>(kAgentDepthMax),
       .unit = "",
       .description = "rounds of automatic tool calls in one chat; a request may ask for fewer"}
  ));
  const json::Value timeout = tools.raw(
      "tool_execution_timeout", "longest tool call: \"30s\", \"500ms\", \"2m\" or seconds"
  );
  if (timeout.is_null()) {
    return;
  }
  const auto duration = duration_of(timeout);
  if (!duration || *duration < kToolTimeoutMin || *duration > kToolTimeoutMax) {
    tools.fault(
        "tool_execution_timeout", "is not a time from 100ms to 10m; give for example \"30s\""
    );
    return;
  }
  config.tool_execution_timeout = *duration;
}

void read_codemode(config::Document& document, Config& config) {
  auto codemode = document.section("codemode");
  codemode.leave_rest();
  const service::ScriptTimes times = service::read_script_times(codemode);
  config.run_time = times.run;
  config.park_time = times.park;
}

}  // namespace

std::optional<std::chrono::milliseconds> duration_of(const json::Value& value) {
  if (const auto seconds = value.as_int(); seconds && value.is_number()) {
    return std::chrono::seconds(*seconds);
  }
  const std::string* text = value.as_string();
  if (text == nullptr) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  const char* const last = text->data() + text->size();
  const auto [end, fault] = std::from_chars(text->data(), last, number);
  if (fault != std::errc() || number > 1'000'000) {
    return std::nullopt;
  }
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  if (unit == "ms") {
    return std::chrono::milliseconds(number);
  }
  if (unit == "s") {
    return std::chrono::seconds(number);
  }
  return unit == "m" ? std::optional<std::chrono::milliseconds>(std::chrono::minutes(number))
                     : std::nullopt;
}

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.audit = service::read_audit(document, "ingress");
  config.redis = redis::read_options(document, "ingress");
  read_http(document, config);
  read_mcp(document, config);
  read_codemode(document, config);
  config.resource = read_protected_resource(document, config.public_url);
  limit_hosts(config);
  return config;
}

}  // namespace sluice::ingress
