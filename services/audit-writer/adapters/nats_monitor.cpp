#include "services/audit-writer/adapters/nats_monitor.h"

#include "services/audit-writer/limits.h"

#include "common/json/parse.h"

namespace sluice::audit_writer {

Async<BrokerState> NatsMonitor::state() {
  http::ClientRequest request;
  request.method = "GET";
  request.url = monitor_url_ + "/varz";
  request.deadline = clock_->now() + kMonitorTimeout;
  SLUICE_CO_TRY(const auto response, co_await client_->fetch(std::move(request)));
  if (response.status != 200) {
    co_return Error(
        Code::Unavailable,
        "nats-server's monitoring endpoint does not answer; check bus.monitor_url"
    )
        .with_detail("status " + std::to_string(response.status));
  }
  co_return parse_varz(response.body);
}

Result<BrokerState> parse_varz(std::string_view body) {
  const auto document = json::parse(body);
  if (!document.ok() || !document.value().is_object()) {
    return Error(Code::Invalid, "bus.monitor_url is no monitoring endpoint of nats-server");
  }
  BrokerState state;
  state.version = document.value().text_or("version", "");
  const json::Value* jetstream = document.value().find("jetstream");
  const json::Value* config = jetstream == nullptr ? nullptr : jetstream->find("config");
  if (config != nullptr && config->is_object()) {
    state.jetstream = true;
    const json::Value* always = config->find("sync_always");
    state.sync_always = always != nullptr && always->as_bool().value_or(false);
  }
  return state;
}

}  // namespace sluice::audit_writer
