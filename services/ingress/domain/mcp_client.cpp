#include "services/ingress/domain/mcp_client.h"

#include "services/ingress/limits.h"

#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::array<std::string_view, 8> kLogLevels{
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
};
constexpr std::string_view kLogLevelUnset = "info";

Error no_log_level() {
  return Error(
      Code::Invalid,
      "the log level is none of debug, info, notice, warning, error, critical, alert, emergency; "
      "send one of these"
  );
}

Result<std::string> bounded(const json::Value* capabilities) {
  if (capabilities == nullptr || !capabilities->is_object()) {
    return std::string("{}");
  }
  std::string text = json::write(*capabilities);
  if (text.size() > kMcpCapabilitiesBytesMax) {
    return Error(
        Code::Invalid,
        "the client's capabilities are longer than " + std::to_string(kMcpCapabilitiesBytesMax) +
            " bytes; declare fewer"
    );
  }
  return text;
}

}  // namespace

bool is_log_level(std::string_view level) {
  return std::find(kLogLevels.begin(), kLogLevels.end(), level) != kLogLevels.end();
}

Result<std::string> log_level_in(const json::Value& params) {
  std::string level = params.text_or("level", "");
  if (!is_log_level(level)) {
    return no_log_level();
  }
  return level;
}

Result<std::string> capabilities_in(const json::Value& params) {
  return bounded(params.find("capabilities"));
}

McpClient client_in(std::string session, const McpSessionState& state) {
  return {
      .capabilities = state.capabilities,
      .log_level = state.log_level.empty() ? std::string(kLogLevelUnset) : state.log_level,
      .session = std::move(session)
  };
}

Result<McpClient> modern_client_in(const json::Value& params) {
  McpClient client;
  const json::Value* meta = params.find("_meta");
  if (meta == nullptr) {
    return client;
  }
  SLUICE_TRY(client.capabilities, bounded(meta->find(mcp::kMetaClientCapabilities)));
  if (const json::Value* level = meta->find(mcp::kMetaLogLevel)) {
    const std::string* text = level->as_string();
    if (text == nullptr || !is_log_level(*text)) {
      return no_log_level();
    }
    client.log_level = *text;
  }
  return client;
}

}  // namespace sluice::ingress
