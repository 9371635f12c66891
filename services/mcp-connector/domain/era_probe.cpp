#include "services/mcp-connector/domain/era_probe.h"

#include "common/mcp/modern_messages.h"

#include <utility>

namespace sluice::mcp_connector {

ProbeVerdict judge_discover(const Answer& answer) {
  if (!answer.error.empty()) {
    auto named = modern_version_named_by(answer);
    return named ? ProbeVerdict{.kind = ProbeVerdict::Kind::AskAgain, .version = std::move(*named)}
                 : ProbeVerdict();
  }
  const auto discovered = mcp::parse_discover_result(answer.result);
  auto shared = discovered.ok() ? mcp::shared_modern_version(discovered.value().supported_versions)
                                : std::nullopt;
  if (!shared) {
    return {};
  }
  return {
      .kind = ProbeVerdict::Kind::Modern,
      .version = std::move(*shared),
      .capabilities = discovered.value().capabilities,
      .instructions = discovered.value().instructions
  };
}

std::optional<std::string> modern_version_named_by(const Answer& answer) {
  const auto error = mcp::parse_rpc_error(answer.error);
  return error.ok() ? mcp::shared_modern_version(mcp::supported_versions_of(error.value()))
                    : std::nullopt;
}

bool is_header_mismatch(const Answer& answer) {
  if (answer.error.empty()) {
    return false;
  }
  const auto error = mcp::parse_rpc_error(answer.error);
  return error.ok() && error.value().code == mcp::kHeaderMismatch;
}

}  // namespace sluice::mcp_connector
