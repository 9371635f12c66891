// /healthz, /readyz and /metrics of every service.
#pragma once

#include "common/http/server.h"
#include "common/service/runtime_body.h"

#include <memory>
#include <vector>

namespace sluice::service {

[[nodiscard]] std::vector<http::Route> health_routes(std::shared_ptr<Runtime::Body> body);

}  // namespace sluice::service
