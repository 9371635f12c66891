#include "services/policy-engine/domain/confusable.h"
#include "services/policy-engine/testing/fakes.h"

namespace sluice::policy_engine {

Result<void> FakePinStore::step() const {
  if (down_) {
    return Error(Code::Unavailable, "the pins cannot be read");
  }
  return faults_ == nullptr ? Result<void>() : faults_->step();
}

Async<PinCheckReply> FakePinStore::check(PinCheckRequest request) {
  ++checks;
  SLUICE_CO_CHECK_OK(step());
  PinCheckReply reply;
  reply.revision = stored_->stored.revision;
  const auto changes = planned_changes(*request.catalog, pins, request.mode);
  for (const PlannedChange& planned : changes) {
    records.push_back(
        record_of(planned.before, planned.offered, planned.change, request.now_unix_ms)
    );
  }
  std::vector<ToolName> known;
  for (const auto& [name, pin] : pins) {
    known.push_back(name);
  }
  const ConfusablePairs found = confusable_pairs(fresh_names(changes), known);
  reply.noted = apply_changes(changes, request.now_unix_ms, &pins);
  reply.confusable = found.pairs;
  reply.compared_all_names = found.complete;
  for (const ConfusablePair& pair : found.pairs) {
    pins[pair.a].confusable_with.push_back(pair.b);
    pins[pair.b].confusable_with.push_back(pair.a);
    records.push_back(confusable_record(pair, request.now_unix_ms));
  }
  reply.pinned_hashes = pinned_hashes_of(*request.catalog, pins);
  co_return reply;
}

Async<std::vector<StoredPin>> FakePinStore::list(bool quarantined_only) {
  SLUICE_CO_CHECK_OK(step());
  std::vector<StoredPin> listed;
  for (const auto& [name, pin] : pins) {
    if (pin.is_quarantined() || !quarantined_only) {
      listed.push_back(pin);
    }
  }
  co_return listed;
}

Async<std::optional<StoredPin>> FakePinStore::get(ToolName name) {
  SLUICE_CO_CHECK_OK(step());
  const auto found = pins.find(name);
  co_return found == pins.end() ? std::optional<StoredPin>() : std::optional(found->second);
}

Async<PinApproved> FakePinStore::approve(PinApproval approval) {
  SLUICE_CO_CHECK_OK(step());
  const auto found = pins.find(approval.name);
  if (found == pins.end()) {
    co_return Error(Code::NotFound, "nothing is known of such a tool");
  }
  SLUICE_CO_TRY(PinApproved approved, approve_pin(found->second, approval));
  if (approved.changed) {
    records.push_back(approved_record(found->second, approval));
    found->second = approved.pin;
    ++stored_->stored.revision;
  }
  approved.revision = stored_->stored.revision;
  co_return approved;
}

std::vector<std::string> FakePinStore::noted() const {
  std::vector<std::string> noted;
  for (const audit::v1::Record& record : records) {
    noted.push_back(record.action() + " " + record.server() + "-" + record.tool());
  }
  return noted;
}

}  // namespace sluice::policy_engine
