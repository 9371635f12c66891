// HttpProvider: the real Upstream. Knows each dialect's paths and headers; the only place that
// reveals a provider key.
#pragma once

#include "services/provider-router/ports.h"

#include "common/http/client.h"

namespace sluice::provider_router {

class HttpProvider final : public Upstream {
 public:
  explicit HttpProvider(http::Client* client) : client_(client) {}

  Async<http::ClientResponse> fetch(UpstreamCall call) override;
  Async<std::unique_ptr<http::BodyStream>> open(UpstreamCall call) override;

 private:
  http::Client* client_;
};

// The HTTP request of a call: URL, headers, body. Source: providers.md 2 and 3.
[[nodiscard]] http::ClientRequest http_request_of(UpstreamCall call);

}  // namespace sluice::provider_router
