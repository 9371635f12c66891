// BridgeCheck: holds what goes over the bridge between a script and a tool to the tool's schemas.
#pragma once

#include "services/codemode-sandbox/domain/script_api.h"

#include "common/json/schema.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::codemode_sandbox {

class BridgeCheck {
 public:
  // What does not fit first: JSON pointer and message. nullopt: it fits, or there is no schema that
  // can be used.
  [[nodiscard]] std::optional<json::Violation> arguments(
      const ScriptTool& tool, std::string_view json
  );
  [[nodiscard]] std::optional<json::Violation> result(
      const ScriptTool& tool, std::string_view json
  );

 private:
  // By definition hash and direction; nullopt: no schema that can be compiled.
  using Key = std::pair<std::string, bool>;

  std::optional<json::Violation> first_fault(
      Key key, const std::string& schema, std::string_view json
  );

  std::map<Key, std::optional<json::Schema>> compiled_;  // at most kSchemasKeptMax
};

}  // namespace sluice::codemode_sandbox
