// ScriptApi: the servers and tools one caller may name in a script, with the types the checker
// holds them to and the files models read about them. Immutable and shared. For binding, checking
// and hints; what may run is decided by policy-engine, call by call.
#pragma once

#include "services/codemode-sandbox/domain/declarations/tool_index.h"
#include "services/codemode-sandbox/domain/declarations/tool_types.h"
#include "services/codemode-sandbox/domain/declarations/type_files.h"
#include "services/codemode-sandbox/ports.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  std::string description;    // the server's own words
};

class ScriptApi {
 public:
  // Tools of servers that are not offered to scripts are left out, and so is what exceeds the
  // bounds of limits.h. A tool whose definition policy-engine saw another form of is offered
  // without types.
  ScriptApi(
      const connector::v1::CatalogReply& catalog,
      const policy::v1::VisibleReply& visible,
      BindingLevel binding = BindingLevel::Server
  );

  // By the names that scripts write.
  [[nodiscard]] const ScriptTool* find(std::string_view server, std::string_view function) const;

  // Namespaces and declarations, sorted by name.
  void add_to(runner::Run* run) const;

  // What the checker holds scripts to: one `declare const` a server. The same tools give the same
  // bytes, at most kDeclarationsBytesMax.
  [[nodiscard]] const std::string& declarations() const { return declarations_; }

  // The same for models: with descriptions, in files.
  [[nodiscard]] const TypeFiles& files() const { return files_; }

  // Tools about the words of a query, one a line with its types. limit: 0 is kSearchLimit.
  [[nodiscard]] FileAnswer search(std::string_view query, std::uint32_t limit) const;

  // What a script may have meant: the server's tools, or the servers, as scripts write them.
  [[nodiscard]] std::string hint(std::string_view server) const;

  // Roughly what it takes in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  using Functions = std::map<std::string, ScriptTool, std::less<>>;
  using Place = std::pair<const std::string*, const Functions::value_type*>;  // server, tool

  void add_tools(
      const connector::v1::CatalogReply& catalog, const policy::v1::VisibleReply& visible
  );
  void write_declarations();
  void write_files(BindingLevel binding);
  void index_tools();

  std::map<std::string, Functions, std::less<>> servers_;
  std::string declarations_;
  TypeFiles files_;
  ToolIndex index_;
  std::vector<Place> indexed_;  // by the index's numbers; into servers_
  std::size_t bytes_ = 0;

 public:
  ScriptApi(const ScriptApi&) = delete;
  ScriptApi& operator=(const ScriptApi&) = delete;
  ScriptApi(ScriptApi&&) = delete;
  ScriptApi& operator=(ScriptApi&&) = delete;
  ~ScriptApi() = default;
};

using ScriptApiPtr = std::shared_ptr<const ScriptApi>;

// The ScriptApi of a caller and its request, kept by what it was made of.
//
// policy-engine is asked for every request what the caller sees; the definitions are fetched when
// it has seen others than those here, and types are written when no caller had the same view of the
// same definitions lately. At most kScriptApisMax and kScriptApisBytesMax are kept.
class ScriptApis {
 public:
  struct Deps {
    PolicyEngine* policy;  // all outlive it
    ToolServers* servers;
    BindingLevel binding = BindingLevel::Server;
  };

  explicit ScriptApis(Deps deps) : deps_(deps) {}

  // Errors: those of policy-engine and mcp-connector.
  Async<ScriptApiPtr> of(policy::v1::ToolFilter filter, RequestContext context);

  // How often types were written.
  [[nodiscard]] std::size_t written() const { return written_; }

 private:
  using Kept = std::pair<std::string, ScriptApiPtr>;
  using CatalogPtr = std::shared_ptr<const connector::v1::CatalogReply>;

  Async<CatalogPtr> catalog(std::string version, RequestContext context);
  [[nodiscard]] ScriptApiPtr find(const std::string& key);
  void keep(std::string key, ScriptApiPtr api);

  Deps deps_;
  CatalogPtr catalog_;
  std::list<Kept> kept_;  // the last used first
  std::size_t kept_bytes_ = 0;
  std::size_t written_ = 0;
};

}  // namespace sluice::codemode_sandbox
