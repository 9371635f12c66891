// Who may publish and subscribe what on NATS, worked out from proto/endpoints.h, and nats-server's
// configuration made of it. Used by the endpoints_dump program and by tests; product code never
// needs it.
#pragma once

#include <string>
#include <vector>

namespace sluice::bus {

// Allow-lists of one NATS user; what is not in them is refused. Sorted.
struct Access {
  std::string service;
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
};

// The six services, in the order of design 2.
[[nodiscard]] std::vector<Access> nats_access();

// Every subject a service could name: those of all endpoints ("*" where a key or an instance
// stands), inboxes, and JetStream's API of the stream. Sorted.
[[nodiscard]] std::vector<std::string> nats_subjects();

// The environment variable with a service's password: "SLUICE_NATS_POLICY_ENGINE_PASSWORD".
[[nodiscard]] std::string password_variable(const std::string& service);

// The whole text of deploy/nats/nats.conf.
[[nodiscard]] std::string nats_conf();

}  // namespace sluice::bus
