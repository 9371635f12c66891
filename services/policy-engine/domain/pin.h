// Pins: which definition of a tool was agreed to. A tool whose server tells another one is
// quarantined: hidden and refused until an admin agrees to that one. What becomes of a pin, as pure
// functions; PinStore keeps them, PinBook applies them to catalogs.
#pragma once

#include "services/policy-engine/domain/policy.h"

#include "proto/sluice/audit/v1/audit.pb.h"
#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy_engine {

// What is known of a tool's definition in a catalog.
enum class PinState : std::uint8_t {
  Unread,   // pins could not be read
  Unseen,   // nobody has agreed to a definition of the tool
  Changed,  // another one was agreed to
  Agreed
};

struct ToolName {
  std::string server;
  std::string tool;

  friend auto operator<=>(const ToolName&, const ToolName&) = default;
};

// A definition as a server tells it now.
struct OfferedTool {
  ToolName name;
  std::string hash;        // 32 bytes
  std::string definition;  // JSON
};

struct StoredPin {
  ToolName name;
  std::string pinned_hash;  // "": nobody has agreed to one
  std::string pinned_definition;
  std::string pinned_by;  // principal, or kFirstUse
  std::int64_t pinned_unix_ms = 0;
  std::string offered_hash;  // "": the server tells the pinned one
  std::string offered_definition;
  std::int64_t offered_unix_ms = 0;
  std::vector<ToolName> confusable_with;

  [[nodiscard]] bool is_quarantined() const { return !offered_hash.empty(); }
};

inline constexpr std::string_view kFirstUse = "first use";

// What an offer does to the pin of its tool.
enum class PinChange : std::uint8_t { None, Pinned, Quarantined, Released };

// pin: of the tool whose definition with that hash is offered; empty hashes where there is none
// yet.
[[nodiscard]] PinChange change_by(const StoredPin& pin, std::string_view hash, ToolPins mode);

// The pin after that change.
void apply_change(
    StoredPin* pin, const OfferedTool& offered, PinChange change, std::int64_t now_unix_ms
);

// Of a change other than None: tool.pinned, tool.quarantined, tool.released.
[[nodiscard]] audit::v1::Record record_of(
    const StoredPin& before, const OfferedTool& offered, PinChange change, std::int64_t now_unix_ms
);

[[nodiscard]] PinState state_of(std::string_view pinned_hash, std::string_view hash);

// An admin agrees to the definition that is offered.
struct PinApproval {
  ToolName name;
  std::string definition_hash;
  std::string tenant;
  std::string principal;
  std::string key_id;
  std::string request_id;
  std::int64_t now_unix_ms = 0;
};

struct PinApproved {
  StoredPin pin;
  bool changed = false;        // false: it was pinned already
  std::uint64_t revision = 0;  // of the stored policy with it
};

// Errors: NotFound (nothing is known of the tool), Conflict (another definition is offered now).
[[nodiscard]] Result<PinApproved> approve_pin(StoredPin pin, const PinApproval& approval);
// tool.pin_approved, of who agreed.
[[nodiscard]] audit::v1::Record approved_record(
    const StoredPin& before, const PinApproval& approval
);

// Two tools of different servers, the lesser name first.
struct ConfusablePair {
  ToolName a;
  ToolName b;

  friend auto operator<=>(const ConfusablePair&, const ConfusablePair&) = default;
};

// tool.confusable.
[[nodiscard]] audit::v1::Record confusable_record(
    const ConfusablePair& pair, std::int64_t now_unix_ms
);

}  // namespace sluice::policy_engine
