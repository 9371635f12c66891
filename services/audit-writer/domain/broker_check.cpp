#include "services/audit-writer/domain/broker_check.h"

namespace sluice::audit_writer {

Result<void> check_durable(const BrokerState& state) {
  const std::string server =
      "nats-server " + (state.version.empty() ? std::string("of unknown version") : state.version);
  if (!state.jetstream) {
    return Error(
        Code::Invalid,
        server +
            " has no JetStream: records cannot be kept; add a jetstream block to its configuration"
    );
  }
  if (!state.sync_always) {
    return Error(
        Code::Invalid,
        server +
            " acknowledges records before they are on disk; set jetstream { sync_interval: always "
            "} (2.10 or newer)"
    );
  }
  return {};
}

}  // namespace sluice::audit_writer
