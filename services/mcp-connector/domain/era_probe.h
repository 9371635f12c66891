// What the answers at the start of a conversation say of the era a server speaks. Any answer but a
// clear one means the legacy era: servers refuse what they do not know in every way there is.
#pragma once

#include "services/mcp-connector/domain/outcome.h"

#include "common/mcp/messages.h"

#include <optional>
#include <string>

namespace sluice::mcp_connector {

// The answer to server/discover.
struct ProbeVerdict {
  enum class Kind {
    Modern,    // in `version`
    AskAgain,  // in `version`, which the server names instead of the one asked in
    Legacy
  };

  Kind kind = Kind::Legacy;
  std::string version;
  mcp::ServerCapabilities capabilities;
  std::string instructions;
};

[[nodiscard]] ProbeVerdict judge_discover(const Answer& answer);

// The modern version that an error names because the server speaks no other era; the newest one
// spoken here too.
[[nodiscard]] std::optional<std::string> modern_version_named_by(const Answer& answer);

// The server refused a request of the modern era before it did anything, because headers and body
// do not agree.
[[nodiscard]] bool is_header_mismatch(const Answer& answer);

}  // namespace sluice::mcp_connector
