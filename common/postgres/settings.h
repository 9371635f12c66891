// The section postgres of the configuration, the same for every service that has a role.
#pragma once

#include "common/config/config.h"
#include "common/postgres/pool.h"

#include <string>

namespace sluice::postgres {

// postgres.host, .port, .database, .connections, .statement_timeout_ms, .connect_timeout_ms. The
// role is the service's name with
// '_' for '-'; the password is the service's secret postgres.password, filled in by the caller.
[[nodiscard]] Options read_options(config::Document& document, std::string service);

}  // namespace sluice::postgres
