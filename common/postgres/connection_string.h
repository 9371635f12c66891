// libpq's keyword=value form of Options. Internal.
#pragma once

#include "common/postgres/pool.h"

#include <string>

namespace sluice::postgres {

[[nodiscard]] std::string connection_string(const Options& options);

}  // namespace sluice::postgres
