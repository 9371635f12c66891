// Validates call arguments against a tool's inputSchema before anything is recorded or sent.
#pragma once

#include "services/mcp-connector/domain/tool_catalog.h"

#include "common/base/result.h"
#include "common/json/schema.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// Compiled schemas are kept by definition hash; replace the object when the catalog changes.
class ArgumentCheck {
 public:
  // Errors: Invalid, with the JSON path of the first violation, or saying that the schema itself
  // cannot be used.
  [[nodiscard]] Result<void> check(const Tool& tool, std::string_view arguments);

 private:
  std::map<std::string, Result<json::Schema>, std::less<>> compiled_;
};

}  // namespace sluice::mcp_connector
