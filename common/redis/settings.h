// The section redis of the configuration, the same for every service that has a Redis user.
#pragma once

#include "common/config/config.h"
#include "common/redis/client.h"

#include <string>

namespace sluice::redis {

// redis.address, redis.port, redis.connect_timeout_ms, redis.command_timeout_ms. The user is the
// service's name; the password is the service's secret redis.password, filled in by the caller.
[[nodiscard]] Options read_options(config::Document& document, std::string user);

}  // namespace sluice::redis
