// ScriptApi: what scripts of one caller may name: the servers offered to scripts, with the tools
// the caller may see, their types as TypeScript declarations, and the files a model reads them in.
// Immutable and shared. For binding, checking and hints; what may run is decided by policy-engine,
// call by call.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstdint>
#include <map>
#include <memory>
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
  policy::v1::Verdict verdict = policy::v1::VERDICT_UNSPECIFIED;
  std::string input_schema;   // JSON; empty: none
  std::string output_schema;  // the same
};

class ScriptApi {
 public:
  // Tools of servers that are not offered to scripts are left out.
  ScriptApi(const connector::v1::CatalogReply& catalog, const policy::v1::VisibleReply& visible);

  // By the names that scripts write.
  [[nodiscard]] const ScriptTool* find(std::string_view server, std::string_view function) const;

  // Namespaces and declarations, sorted by name.
  void add_to(runner::Run* run) const;

  // What the checker holds scripts to: one namespace a server. The same tools give the same bytes.
  [[nodiscard]] const std::string& declarations() const { return declarations_; }

  // What a script may have meant: the server's tools, or the servers, as scripts write them.
  [[nodiscard]] std::string hint(std::string_view server) const;

 private:
  using Functions = std::map<std::string, ScriptTool, std::less<>>;

  std::map<std::string, Functions, std::less<>> servers_;
  std::string declarations_;
};

using ScriptApiPtr = std::shared_ptr<const ScriptApi>;

// The ScriptApi of a caller and its request, kept by what it was made of.
class ScriptApis {
 public:
  struct Deps {
    PolicyEngine* policy;  // all outlive it
    ToolServers* servers;
  };

  explicit ScriptApis(Deps deps) : deps_(deps) {}

  // Errors: those of policy-engine and mcp-connector.
  Async<ScriptApiPtr> of(policy::v1::ToolFilter filter, RequestContext context);

 private:
  Deps deps_;
};

}  // namespace sluice::codemode_sandbox
