// CatalogSnapshot: the tools one caller may see, immutable, sorted, serialized once as OpenAI tool
// definitions and once as MCP's, so that the same catalog gives the same bytes in every request and
// provider prompt caches stay warm.
#pragma once

#include "services/ingress/domain/narrowing.h"
#include "services/ingress/domain/offerings.h"

#include "common/mcp/protocol.h"

#include "proto/sluice/connector/v1/connector.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

enum class ToolVisibility : std::uint8_t {
  Offered,  // in tools_json and definitions_json
  InCode,   // its server is offered to scripts: reached by the meta-tools (code_tool.h)
  LeftOut,  // visible to the caller, narrowed away by this request's headers
  Hidden,   // policy does not show it; a call is still put to policy, which refuses with its rule
};

// What stands behind one name.
struct ToolEntry {
  std::string name;                     // as models see it
  std::string method{mcp::kToolsCall};  // another one: tool and definition_hash are empty
  std::string server_id;
  std::string server;
  std::string tool;
  std::string definition_hash;
  policy::v1::Verdict verdict = policy::v1::VERDICT_UNSPECIFIED;
  policy::v1::EffectClass effect_class = policy::v1::EFFECT_CLASS_UNSPECIFIED;
  ToolVisibility visibility = ToolVisibility::Hidden;

  // Where it stands in tools_json and definitions_json of the snapshot it came from; both empty
  // unless it is offered.
  struct Place {
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  Place openai;
  Place definition;
};

// A server the caller may use.
struct UsableServer {
  std::string id;
  std::string name;
  bool subscriptions = false;  // it tells of changes of its resources
  std::string instructions;    // in its own words; may be empty
};

class CatalogSnapshot {
 public:
  // Joins what the servers have with what policy shows. A tool whose definition differs between the
  // two is hidden.
  [[nodiscard]] static std::shared_ptr<const CatalogSnapshot> build(
      const connector::v1::CatalogReply& catalog, const policy::v1::VisibleReply& visible
  );

  // The same catalog for a request that narrows it.
  [[nodiscard]] std::shared_ptr<const CatalogSnapshot> narrowed(const Narrowing& narrowing) const;

  // nullptr when no server has a tool of that name.
  [[nodiscard]] const ToolEntry* find(std::string_view name) const;
  // The server such a name belongs to, when nobody knows that server's tools at the moment: it is
  // not connected yet, or again. nullptr otherwise.
  [[nodiscard]] const std::string* awaited_server_of(std::string_view name) const;
  // The same as find for a tool the model was offered.
  [[nodiscard]] const ToolEntry* find_offered(std::string_view name) const;

  // Whether the meta-tools are among the definitions.
  [[nodiscard]] bool offers_code() const { return offers_code_; }

  // policy-engine could not tell of every tool whether it may be seen.
  [[nodiscard]] bool incomplete() const { return incomplete_; }

  // Whether a tool among the definitions runs without being executed explicitly.
  [[nodiscard]] bool has_automatic() const { return has_automatic_; }

  // OpenAI's definitions joined by commas, without brackets, the meta-tools last; empty when none
  // is offered.
  [[nodiscard]] const std::string& tools_json() const { return tools_json_; }

  // The same as MCP's tools/list has them: the servers' own objects, every member kept, under the
  // names of entries().
  [[nodiscard]] const std::string& definitions_json() const { return definitions_json_; }

  // The definition of an offered entry of this snapshot, as definitions_json has it.
  [[nodiscard]] std::string_view definition_of(const ToolEntry& entry) const {
    return std::string_view(definitions_json_)
        .substr(entry.definition.begin, entry.definition.size);
  }

  [[nodiscard]] const Offerings& offerings() const { return offerings_; }

  // Whether the server tells of changes of its resources.
  [[nodiscard]] bool tells_changes(std::string_view server_id) const;

  // How to use the servers, each under its name, at most kMcpInstructionsBytesMax.
  [[nodiscard]] std::string instructions() const;

  // Offered names a caller may have meant, best first, at most kNearNamesMax.
  [[nodiscard]] std::vector<std::string> names_near(std::string_view name) const;

  [[nodiscard]] const std::vector<ToolEntry>& entries() const { return entries_; }

  [[nodiscard]] std::size_t offered() const { return offered_; }

  [[nodiscard]] std::uint64_t policy_version() const { return policy_version_; }

  [[nodiscard]] const std::string& catalog_version() const { return catalog_version_; }

 private:
  void append_offered(ToolEntry& entry, std::string_view openai, std::string_view definition);
  void append_meta_tools();

  std::vector<ToolEntry> entries_;  // sorted by name, names unique

  struct AwaitedServer {
    std::string name;
    bool unprefixed = false;
  };

  std::vector<AwaitedServer> awaited_servers_;
  std::string tools_json_;
  std::string definitions_json_;
  Offerings offerings_;
  std::vector<UsableServer> servers_;  // sorted by name
  std::size_t offered_ = 0;
  bool offers_code_ = false;
  bool incomplete_ = false;
  bool has_automatic_ = false;
  std::uint64_t policy_version_ = 0;
  std::string catalog_version_;
};

using SnapshotPtr = std::shared_ptr<const CatalogSnapshot>;

// {"type":"function","function":{…}} of an MCP tool definition: description and inputSchema are its
// own bytes. Errors: Invalid.
[[nodiscard]] Result<std::string> openai_tool_json(std::string_view name, std::string definition);

}  // namespace sluice::ingress
