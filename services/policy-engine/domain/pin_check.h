// Comparing the tools of a catalog with their pins: what the stores of pins have in common.
#pragma once

#include "services/policy-engine/domain/pin.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::policy_engine {

struct PinCheckRequest {
  std::shared_ptr<const connector::v1::CatalogReply> catalog;  // with its servers
  ToolPins mode = ToolPins::FirstUse;
  std::int64_t now_unix_ms = 0;
};

struct NotedPin {
  ToolName name;
  PinChange change = PinChange::None;
};

struct PinCheckReply {
  std::uint64_t revision = 0;              // of the stored policy whose pins these are, at least
  std::vector<std::string> pinned_hashes;  // of the catalog's tools in their order; "": none
  std::vector<NotedPin> noted;             // by this check, each change in one check only
  std::vector<ConfusablePair> confusable;  // likewise
  bool compared_all_names = true;
};

// The pins there are, without definitions.
using PinsByName = std::map<ToolName, StoredPin>;

struct PlannedChange {
  StoredPin before;  // without definitions; empty hashes: there was none
  OfferedTool offered;
  PinChange change = PinChange::None;
};

// A name, hash and definition that can be stored.
[[nodiscard]] bool is_pinnable(const connector::v1::ToolDefinition& tool);

// Changes of the pins of a catalog's tools, one a tool at most. Tools that cannot be stored, and
// new ones of a server that has kPinsPerServerMax, have none: they are as never seen.
[[nodiscard]] std::vector<PlannedChange> planned_changes(
    const connector::v1::CatalogReply& catalog, const PinsByName& pins, ToolPins mode
);

// The names that had no pin.
[[nodiscard]] std::vector<ToolName> fresh_names(const std::vector<PlannedChange>& changes);

// Carries the changes out in pins, and says what was noted.
[[nodiscard]] std::vector<NotedPin> apply_changes(
    const std::vector<PlannedChange>& changes, std::int64_t now_unix_ms, PinsByName* pins
);

[[nodiscard]] std::vector<std::string> pinned_hashes_of(
    const connector::v1::CatalogReply& catalog, const PinsByName& pins
);

}  // namespace sluice::policy_engine
