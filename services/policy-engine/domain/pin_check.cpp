#include "services/policy-engine/domain/pin_check.h"

#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"

#include <set>
#include <utility>

namespace sluice::policy_engine {

bool is_pinnable(const connector::v1::ToolDefinition& tool) {
  // Source: migrations/0007_policy_pins.sql.
  constexpr std::size_t kDefinitionBytesMax = std::size_t{8} << 20;
  return tool.name().size() <= kPinnedNameBytesMax && tool.name().find('\0') == std::string::npos &&
         tool.definition_hash().size() == crypto::kSha256Bytes &&
         tool.definition().size() <= kDefinitionBytesMax;
}

std::vector<PlannedChange> planned_changes(
    const connector::v1::CatalogReply& catalog, const PinsByName& pins, ToolPins mode
) {
  std::map<std::string, std::size_t> count;  // of pins, by server
  for (const auto& [name, pin] : pins) {
    ++count[name.server];
  }
  std::vector<PlannedChange> changes;
  std::set<ToolName> met;
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      ToolName name{server.name(), tool.name()};
      if (!is_pinnable(tool) || !met.insert(name).second) {
        continue;
      }
      const auto found = pins.find(name);
      const StoredPin before = found != pins.end() ? found->second : StoredPin();
      const PinChange change = change_by(before, tool.definition_hash(), mode);
      if (change == PinChange::None ||
          (found == pins.end() && ++count[name.server] > kPinsPerServerMax)) {
        continue;
      }
      changes.push_back(
          {before, {std::move(name), tool.definition_hash(), tool.definition()}, change}
      );
    }
  }
  return changes;
}

std::vector<ToolName> fresh_names(const std::vector<PlannedChange>& changes) {
  std::vector<ToolName> names;
  for (const PlannedChange& planned : changes) {
    if (planned.before.pinned_hash.empty() && planned.before.offered_hash.empty()) {
      names.push_back(planned.offered.name);
    }
  }
  return names;
}

std::vector<NotedPin> apply_changes(
    const std::vector<PlannedChange>& changes, std::int64_t now_unix_ms, PinsByName* pins
) {
  std::vector<NotedPin> noted;
  noted.reserve(changes.size());
  for (const PlannedChange& planned : changes) {
    apply_change(&(*pins)[planned.offered.name], planned.offered, planned.change, now_unix_ms);
    noted.push_back({planned.offered.name, planned.change});
  }
  return noted;
}

std::vector<std::string> pinned_hashes_of(
    const connector::v1::CatalogReply& catalog, const PinsByName& pins
) {
  std::vector<std::string> hashes;
  for (const auto& server : catalog.servers()) {
    for (const auto& tool : server.tools()) {
      const auto found = pins.find(ToolName{server.name(), tool.name()});
      hashes.push_back(found != pins.end() ? found->second.pinned_hash : "");
    }
  }
  return hashes;
}

}  // namespace sluice::policy_engine
