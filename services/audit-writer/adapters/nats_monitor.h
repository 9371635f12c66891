// BrokerMonitor over nats-server's monitoring endpoint: GET <monitor_url>/varz.
#pragma once

#include "services/audit-writer/ports.h"

#include "common/async/clock.h"
#include "common/http/client.h"

#include <string>
#include <string_view>

namespace sluice::audit_writer {

class NatsMonitor final : public BrokerMonitor {
 public:
  NatsMonitor(http::Client* client, async::Clock* clock, std::string monitor_url)
      : client_(client), clock_(clock), monitor_url_(std::move(monitor_url)) {}

  Async<BrokerState> state() override;

 private:
  http::Client* client_;
  async::Clock* clock_;
  std::string monitor_url_;
};

// Errors: Invalid. Source: nats-server 2.10.27, /varz: version, jetstream.config.sync_always.
[[nodiscard]] Result<BrokerState> parse_varz(std::string_view body);

}  // namespace sluice::audit_writer
