// What provider-router needs from outside.
#pragma once

#include "services/provider-router/domain/route_table.h"

#include "common/http/client.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::provider_router {

enum class Operation : std::uint8_t { Chat, Embed };

// One request to a provider, body translated already.
struct UpstreamCall {
  const Provider* provider = nullptr;
  const ProviderKey* key = nullptr;  // nullptr: the provider has none
  Operation operation = Operation::Chat;
  bool stream = false;
  std::string body;
  TimePoint deadline;
};

// Errors of both as http::Client's: Invalid, Unavailable, Deadline, Cancelled, Exhausted. An HTTP
// error status is an answer.
class Upstream {
 public:
  Upstream() = default;
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  Upstream(Upstream&&) = delete;
  Upstream& operator=(Upstream&&) = delete;
  virtual ~Upstream() = default;

  virtual Async<http::ClientResponse> fetch(UpstreamCall call) = 0;
  virtual Async<std::unique_ptr<http::BodyStream>> open(UpstreamCall call) = 0;
};

}  // namespace sluice::provider_router
