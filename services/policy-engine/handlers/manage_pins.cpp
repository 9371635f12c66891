#include "services/policy-engine/handlers/manage_pins.h"

#include "services/policy-engine/domain/definition_diff.h"
#include "services/policy-engine/limits.h"

#include "common/crypto/sha256.h"

#include <utility>

namespace sluice::policy_engine {
namespace {

policy::v1::ToolPin told(const StoredPin& stored) {
  policy::v1::ToolPin pin;
  pin.set_server(stored.name.server);
  pin.set_tool(stored.name.tool);
  pin.set_pinned_hash(stored.pinned_hash);
  pin.set_pinned_by(stored.pinned_by);
  pin.set_pinned_unix_ms(stored.pinned_unix_ms);
  pin.set_quarantined(stored.is_quarantined());
  pin.set_offered_hash(stored.offered_hash);
  pin.set_offered_unix_ms(stored.offered_unix_ms);
  for (const ToolName& other : stored.confusable_with) {
    pin.add_confusable_with(other.server + "-" + other.tool);
  }
  return pin;
}

Result<policy::v1::ManageReply> told_with_diff(const StoredPin& stored) {
  policy::v1::ManageReply reply;
  policy::v1::ToolPin* const pin = reply.add_pins();
  *pin = told(stored);
  if (!stored.is_quarantined()) {
    return reply;
  }
  SLUICE_TRY(DefinitionDiff diff, diff_of(stored.pinned_definition, stored.offered_definition));
  for (auto& difference : diff.differences) {
    *pin->add_differences() = std::move(difference);
  }
  if (diff.more > 0) {
    reply.add_warnings(std::to_string(diff.more) + " more differences are not shown");
  }
  return reply;
}

Error unknown_pin() {
  return Error(
      Code::NotFound, "nothing is known of such a tool: look at the list of pins for its names"
  );
}

bool is_storable(const std::string& name) {
  return name.size() <= kPinnedNameBytesMax && name.find('\0') == std::string::npos;
}

}  // namespace

Async<policy::v1::ManageReply> ManagePins::list(bool quarantined_only) {
  SLUICE_CO_TRY(const std::vector<StoredPin> pins, co_await deps_.store->list(quarantined_only));
  policy::v1::ManageReply reply;
  for (const StoredPin& pin : pins) {
    *reply.add_pins() = told(pin);
  }
  co_return reply;
}

Async<StoredPin> ManagePins::pin_named(std::string server, std::string tool) {
  if (!is_storable(server) || !is_storable(tool)) {
    co_return unknown_pin();
  }
  SLUICE_CO_TRY(
      auto found, co_await deps_.store->get(ToolName{std::move(server), std::move(tool)})
  );
  if (!found) {
    co_return unknown_pin();
  }
  co_return std::move(*found);
}

Async<policy::v1::ManageReply> ManagePins::get(std::string server, std::string tool) {
  SLUICE_CO_TRY(const StoredPin pin, co_await pin_named(std::move(server), std::move(tool)));
  co_return told_with_diff(pin);
}

Async<policy::v1::ManageReply> ManagePins::approve(
    policy::v1::ManageRequest::ApprovePin asked,
    policy::v1::CallerClaims claims,
    RequestContext context
) {
  if (asked.definition_hash().size() != crypto::kSha256Bytes) {
    co_return Error(
        Code::Invalid, "definition_hash has 32 bytes: send the offered_hash that the pin shows"
    );
  }
  if (!is_storable(asked.server()) || !is_storable(asked.tool())) {
    co_return unknown_pin();
  }
  PinApproval approval;
  approval.name = {asked.server(), asked.tool()};
  approval.definition_hash = asked.definition_hash();
  approval.tenant = claims.tenant();
  approval.principal = claims.principal();
  approval.key_id = claims.key_id();
  approval.request_id = context.request.str();
  approval.now_unix_ms = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const PinApproved approved, co_await deps_.store->approve(std::move(approval)));
  SLUICE_CO_CHECK_OK(co_await deps_.reload->take_over_stored(approved.revision));
  SLUICE_CO_TRY(
      [[maybe_unused]] const CatalogCache::Snapshot catalog,
      co_await deps_.catalogs->get(std::move(context))
  );
  policy::v1::ManageReply reply;
  *reply.add_pins() = told(approved.pin);
  co_return reply;
}

}  // namespace sluice::policy_engine
