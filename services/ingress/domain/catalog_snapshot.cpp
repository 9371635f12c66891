#include "services/ingress/domain/catalog_snapshot.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/definition.h"
#include "services/ingress/domain/tool_names.h"
#include "services/ingress/limits.h"

#include "common/audit/redact.h"
#include "common/json/scan.h"
#include "common/json/write.h"
#include "common/mcp/server_catalog.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace sluice::ingress {
namespace {

using ToolKey = std::pair<std::string_view, std::string_view>;  // server id, tool
using VisibleTools = std::map<ToolKey, const policy::v1::VisibleTool*>;

VisibleTools index_of(const policy::v1::VisibleReply& visible) {
  VisibleTools tools;
  for (const auto& tool : visible.tools()) {
    tools.emplace(ToolKey{tool.server_id(), tool.tool()}, &tool);
  }
  return tools;
}

// An entry and the definition it is offered by.
struct Candidate {
  ToolEntry entry;
  const std::string* definition = nullptr;
  bool unprefixed = false;  // its server's names are to be offered as they are
};

Candidate candidate_of(
    const connector::v1::ServerCatalog& server,
    const connector::v1::ToolDefinition& definition,
    const VisibleTools& visible
) {
  Candidate candidate;
  ToolEntry& entry = candidate.entry;
  entry.name = model_name_of(full_name_of(server.name(), definition.name()));
  candidate.unprefixed = server.unprefixed();
  entry.server_id = server.server_id();
  entry.server = server.name();
  entry.tool = definition.name();
  entry.definition_hash = definition.definition_hash();
  candidate.definition = &definition.definition();
  const auto shown = visible.find(ToolKey{server.server_id(), definition.name()});
  if (shown != visible.end() && shown->second->definition_hash() == definition.definition_hash()) {
    entry.verdict = shown->second->verdict();
    entry.effect_class = shown->second->effect_class();
    if (entry.verdict != policy::v1::VERDICT_DENY) {
      entry.visibility =
          shown->second->code_mode() ? ToolVisibility::InCode : ToolVisibility::Offered;
    }
  }
  return candidate;
}

// Tools of servers without prefix get their own names where nothing else has them: not a prefixed
// tool, not a meta-tool, not the tool of a server that comes first by name.
void take_bare_names(std::vector<Candidate>& candidates) {
  std::set<std::string, std::less<>> taken;
  for (const std::string_view name :
       {kListToolFiles, kReadToolFile, kSearchTools, kExecuteToolCode}) {
    taken.emplace(name);
  }
  for (const Candidate& candidate : candidates) {
    taken.insert(candidate.entry.name);
  }
  for (Candidate& candidate : candidates) {
    std::string bare = candidate.unprefixed ? model_name_of(candidate.entry.tool) : std::string();
    if (!bare.empty() && taken.insert(bare).second) {
      candidate.entry.name = std::move(bare);
    }
  }
}

void sort_by_name(std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.entry.name, a.entry.server_id, a.entry.tool) <
           std::tie(b.entry.name, b.entry.server_id, b.entry.tool);
  });
}

bool is_json_string(std::string_view raw) {
  return !raw.empty() && raw.front() == '"';
}

bool is_json_object(std::string_view raw) {
  return !raw.empty() && raw.front() == '{';
}

// Lower is nearer.
std::size_t distance_of(const ToolEntry& entry, std::string_view name) {
  if (entry.tool == name) {
    return 0;  // only the server's name is missing
  }
  return 1 + std::min(edit_distance(entry.name, name), edit_distance(entry.tool, name));
}

// Those of the catalog that policy names.
std::vector<UsableServer> servers_of(
    const connector::v1::CatalogReply& catalog, const std::set<std::string>& usable
) {
  std::vector<UsableServer> servers;
  for (const auto& server : catalog.servers()) {
    if (usable.contains(server.server_id())) {
      servers.push_back(
          {.id = server.server_id(),
           .name = server.name(),
           .subscriptions = server.subscriptions(),
           .instructions = server.instructions()}
      );
    }
  }
  std::sort(servers.begin(), servers.end(), [](const UsableServer& a, const UsableServer& b) {
    return a.name < b.name;
  });
  return servers;
}

ToolEntry::Place append_item(std::string& list, std::string_view json) {
  if (!list.empty()) {
    list.push_back(',');
  }
  list.append(json);
  return {.begin = list.size() - json.size(), .size = json.size()};
}

}  // namespace

Result<std::string> openai_tool_json(std::string_view name, std::string definition) {
  definition.reserve(definition.size() + json::kScanPadding);
  SLUICE_TRY(const auto scan, json::Scan::object(definition));
  const std::string_view description = scan.raw("description");
  const std::string_view schema = scan.raw("inputSchema");

  std::string out = R"({"type":"function","function":{"name":)";
  json::append_quoted(out, name);
  if (is_json_string(description)) {
    out.append(R"(,"description":)").append(description);
  }
  out.append(R"(,"parameters":)");
  out.append(
      is_json_object(schema) ? schema : std::string_view(R"({"type":"object","properties":{}})")
  );
  out.append("}}");
  return out;
}

SnapshotPtr CatalogSnapshot::build(
    const connector::v1::CatalogReply& catalog, const policy::v1::VisibleReply& visible
) {
  const VisibleTools shown = index_of(visible);
  std::vector<Candidate> candidates;
  for (const auto& server : catalog.servers()) {
    for (const auto& definition : server.tools()) {
      candidates.push_back(candidate_of(server, definition, shown));
    }
  }
  sort_by_name(candidates);  // the order in which bare names are given
  take_bare_names(candidates);
  sort_by_name(candidates);

  auto snapshot = std::make_shared<CatalogSnapshot>();
  snapshot->policy_version_ = visible.policy_version();
  snapshot->catalog_version_ = catalog.version();
  snapshot->incomplete_ = visible.catalog_version().empty();
  for (const auto& server : catalog.servers()) {
    if (mcp::is_awaited(server)) {
      snapshot->awaited_servers_.push_back({server.name(), server.unprefixed()});
    }
  }
  snapshot->entries_.reserve(candidates.size());
  for (auto& candidate : candidates) {
    ToolEntry& entry = candidate.entry;
    if (!snapshot->entries_.empty() && snapshot->entries_.back().name == entry.name) {
      continue;  // a made-up collision: one name never stands for two tools
    }
    if (entry.visibility == ToolVisibility::Offered) {
      const auto openai = openai_tool_json(entry.name, *candidate.definition);
      const auto definition = with_text(*candidate.definition, "name", entry.name);
      if (openai.ok() && definition.ok()) {
        snapshot->append_offered(entry, openai.value(), definition.value());
      } else {
        entry.visibility = ToolVisibility::Hidden;
      }
    }
    snapshot->entries_.push_back(std::move(entry));
  }
  snapshot->append_meta_tools();
  const std::set<std::string> usable(visible.servers().begin(), visible.servers().end());
  snapshot->offerings_ = Offerings::build(catalog, usable);
  snapshot->servers_ = servers_of(catalog, usable);
  return snapshot;
}

SnapshotPtr CatalogSnapshot::narrowed(const Narrowing& narrowing) const {
  auto snapshot = std::make_shared<CatalogSnapshot>();
  snapshot->policy_version_ = policy_version_;
  snapshot->catalog_version_ = catalog_version_;
  snapshot->incomplete_ = incomplete_;
  snapshot->entries_ = entries_;
  snapshot->awaited_servers_ = awaited_servers_;
  for (auto& entry : snapshot->entries_) {
    if (entry.visibility != ToolVisibility::Offered && entry.visibility != ToolVisibility::InCode) {
      continue;
    }
    if (!narrowing.allows(entry.server, entry.tool)) {
      entry.visibility = ToolVisibility::LeftOut;
      entry.openai = {};
      entry.definition = {};
    } else if (entry.visibility == ToolVisibility::Offered) {
      snapshot->append_offered(
          entry,
          std::string_view(tools_json_).substr(entry.openai.begin, entry.openai.size),
          definition_of(entry)
      );
    }
  }
  snapshot->append_meta_tools();
  snapshot->offerings_ = offerings_.narrowed(narrowing);
  std::copy_if(
      servers_.begin(),
      servers_.end(),
      std::back_inserter(snapshot->servers_),
      [&narrowing](const UsableServer& server) { return narrowing.allows_resources(server.name); }
  );
  return snapshot;
}

const ToolEntry* CatalogSnapshot::find(std::string_view name) const {
  const auto place = std::lower_bound(
      entries_.begin(),
      entries_.end(),
      name,
      [](const ToolEntry& entry, std::string_view wanted) { return entry.name < wanted; }
  );
  return place != entries_.end() && place->name == name ? &*place : nullptr;
}

const std::string* CatalogSnapshot::awaited_server_of(std::string_view name) const {
  for (const auto& [server, unprefixed] : awaited_servers_) {
    if (is_meta_tool(name) && !offers_code_) {
      return &server;  // it may be the one that is offered to scripts
    }
    if (name.size() > server.size() && name.starts_with(server) && name[server.size()] == '-') {
      return &server;
    }
    if (unprefixed) {
      return &server;  // any name may be one of its tools
    }
  }
  return nullptr;
}

const ToolEntry* CatalogSnapshot::find_offered(std::string_view name) const {
  const ToolEntry* entry = find(name);
  return entry != nullptr && entry->visibility == ToolVisibility::Offered ? entry : nullptr;
}

bool CatalogSnapshot::tells_changes(std::string_view server_id) const {
  return std::any_of(servers_.begin(), servers_.end(), [server_id](const UsableServer& server) {
    return server.id == server_id && server.subscriptions;
  });
}

std::string CatalogSnapshot::instructions() const {
  std::string out;
  for (const UsableServer& server : servers_) {
    if (!server.instructions.empty()) {
      out.append(out.empty() ? "## " : "\n\n## ").append(server.name).append("\n");
      out.append(server.instructions);
    }
  }
  out.resize(audit::clip_utf8(out, kMcpInstructionsBytesMax).size());
  return out;
}

std::vector<std::string> CatalogSnapshot::names_near(std::string_view name) const {
  std::vector<std::pair<std::size_t, const std::string*>> ranked;
  const std::size_t distance_max = 1 + std::max<std::size_t>(2, name.size() / 3);
  for (const auto& entry : entries_) {
    if (entry.visibility != ToolVisibility::Offered) {
      continue;
    }
    if (const std::size_t distance = distance_of(entry, name); distance <= distance_max) {
      ranked.emplace_back(distance, &entry.name);
    }
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, *a.second) < std::tie(b.first, *b.second);
  });
  ranked.resize(std::min(ranked.size(), kNearNamesMax));
  std::vector<std::string> names;
  names.reserve(ranked.size());
  for (const auto& [distance, near] : ranked) {
    names.push_back(*near);
  }
  return names;
}

void CatalogSnapshot::append_offered(
    ToolEntry& entry, std::string_view openai, std::string_view definition
) {
  entry.openai = append_item(tools_json_, openai);
  entry.definition = append_item(definitions_json_, definition);
  has_automatic_ = has_automatic_ || entry.verdict == policy::v1::VERDICT_AUTO;
  ++offered_;
}

// In place of all tools of servers offered to scripts.
void CatalogSnapshot::append_meta_tools() {
  std::set<std::string_view> servers;
  std::size_t tools = 0;
  for (const auto& entry : entries_) {
    if (entry.visibility == ToolVisibility::InCode) {
      servers.insert(entry.server);
      ++tools;
    }
  }
  if (servers.empty()) {
    return;
  }
  for (const MetaTool& tool : meta_tools({servers.begin(), servers.end()}, tools)) {
    const auto openai = openai_tool_json(tool.name, tool.definition);
    SLUICE_CHECK(openai.ok(), "our own definition is well-formed");
    append_item(tools_json_, openai.value());
    append_item(definitions_json_, tool.definition);
    ++offered_;
  }
  offers_code_ = true;
  has_automatic_ = true;  // reading is
}

}  // namespace sluice::ingress
