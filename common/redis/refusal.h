// What an error reply of the server means to the caller. Shared by the client and its fake.
#pragma once

#include "common/base/error.h"

#include <string_view>

namespace sluice::redis {

// text: "NOPERM this user has no permissions …", without the leading '-'.
[[nodiscard]] Error error_of(std::string_view text);

}  // namespace sluice::redis
