// ScriptTools: what one script may name: the servers offered to scripts, with the tools its caller
// may see. For binding and for hints; what may run is decided by policy-engine, call by call.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include <map>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// One tool as policy-engine showed it.
struct ScriptTool {
  std::string server_id;
  std::string server;
  std::string tool;
  std::string definition_hash;  // empty: not shown, policy-engine will say why
  policy::v1::EffectClass effect_class = policy::v1::EFFECT_CLASS_UNSPECIFIED;
};

class ScriptTools {
 public:
  ScriptTools() = default;

  // Tools of servers that are not offered to scripts, or whose name is no JavaScript identifier,
  // are left out.
  explicit ScriptTools(const policy::v1::VisibleReply& visible);

  [[nodiscard]] const ScriptTool* find(std::string_view server, std::string_view tool) const;

  // Sorted by name.
  void add_to(runner::Run* run) const;

  // What a script may have meant: the server's tools, or the servers.
  [[nodiscard]] std::string hint(std::string_view server) const;

 private:
  using Functions = std::map<std::string, ScriptTool, std::less<>>;

  std::map<std::string, Functions, std::less<>> servers_;
};

}  // namespace sluice::codemode_sandbox
