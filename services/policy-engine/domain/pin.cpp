#include "services/policy-engine/domain/pin.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

audit::v1::Record new_record(
    std::string_view action, const ToolName& name, std::int64_t now_unix_ms
) {
  audit::v1::Record record;
  record.set_event_id(crypto::uuid_v7(now_unix_ms));
  record.set_action(std::string(action));
  record.set_server(name.server);
  record.set_tool(name.tool);
  return record;
}

std::string pinned_detail(const StoredPin& before) {
  return before.pinned_hash.empty() ? "no definition was agreed to"
                                    : "pinned is " + to_hex(before.pinned_hash);
}

std::string alias_of(const ToolName& name) {
  return name.server + "-" + name.tool;
}

}  // namespace

PinState state_of(std::string_view pinned_hash, std::string_view hash) {
  if (pinned_hash.empty()) {
    return PinState::Unseen;
  }
  return pinned_hash == hash ? PinState::Agreed : PinState::Changed;
}

PinChange change_by(const StoredPin& pin, std::string_view hash, ToolPins mode) {
  if (pin.pinned_hash.empty() && mode == ToolPins::FirstUse) {
    return PinChange::Pinned;
  }
  if (pin.pinned_hash == hash) {
    return pin.is_quarantined() ? PinChange::Released : PinChange::None;
  }
  return pin.offered_hash == hash ? PinChange::None : PinChange::Quarantined;
}

void apply_change(
    StoredPin* pin, const OfferedTool& offered, PinChange change, std::int64_t now_unix_ms
) {
  if (change == PinChange::None) {
    return;
  }
  pin->name = offered.name;
  pin->offered_hash.clear();
  pin->offered_definition.clear();
  pin->offered_unix_ms = 0;
  if (change == PinChange::Pinned) {
    pin->pinned_hash = offered.hash;
    pin->pinned_definition = offered.definition;
    pin->pinned_by = std::string(kFirstUse);
    pin->pinned_unix_ms = now_unix_ms;
  } else if (change == PinChange::Quarantined) {
    pin->offered_hash = offered.hash;
    pin->offered_definition = offered.definition;
    pin->offered_unix_ms = now_unix_ms;
  }
}

audit::v1::Record record_of(
    const StoredPin& before, const OfferedTool& offered, PinChange change, std::int64_t now_unix_ms
) {
  switch (change) {
    case PinChange::Pinned: {
      audit::v1::Record record = new_record("tool.pinned", offered.name, now_unix_ms);
      record.set_definition_hash(offered.hash);
      record.set_reason("the first definition seen of the tool");
      return record;
    }
    case PinChange::Quarantined: {
      audit::v1::Record record = new_record("tool.quarantined", offered.name, now_unix_ms);
      record.set_definition_hash(offered.hash);
      record.set_outcome(audit::v1::OUTCOME_REFUSED);
      record.set_reason("its server tells a definition that nobody has agreed to");
      record.set_detail(pinned_detail(before));
      return record;
    }
    default: {
      audit::v1::Record record = new_record("tool.released", offered.name, now_unix_ms);
      record.set_definition_hash(offered.hash);
      record.set_reason("its server tells the definition again that was agreed to");
      record.set_detail("quarantined was " + to_hex(before.offered_hash));
      return record;
    }
  }
}

Result<PinApproved> approve_pin(StoredPin pin, const PinApproval& approval) {
  if (pin.pinned_hash == approval.definition_hash && !pin.is_quarantined()) {
    return PinApproved{std::move(pin), false, 0};
  }
  if (pin.offered_hash != approval.definition_hash) {
    return Error(
        Code::Conflict,
        "the server does not tell this definition, or not any more: look at the tool's pin again, "
        "and approve the offered_hash it shows"
    );
  }
  pin.pinned_hash = std::exchange(pin.offered_hash, "");
  pin.pinned_definition = std::exchange(pin.offered_definition, "");
  pin.pinned_by = approval.principal;
  pin.pinned_unix_ms = approval.now_unix_ms;
  pin.offered_unix_ms = 0;
  return PinApproved{std::move(pin), true, 0};
}

audit::v1::Record approved_record(const StoredPin& before, const PinApproval& approval) {
  audit::v1::Record record = new_record("tool.pin_approved", approval.name, approval.now_unix_ms);
  record.set_definition_hash(approval.definition_hash);
  record.set_tenant(approval.tenant);
  record.set_principal(approval.principal);
  record.set_key_id(approval.key_id);
  record.set_request_id(approval.request_id);
  record.set_detail(pinned_detail(before));
  return record;
}

audit::v1::Record confusable_record(const ConfusablePair& pair, std::int64_t now_unix_ms) {
  audit::v1::Record record = new_record("tool.confusable", pair.a, now_unix_ms);
  record.set_reason("its name is easily taken for that of " + alias_of(pair.b));
  record.set_detail(alias_of(pair.b));
  return record;
}

}  // namespace sluice::policy_engine
