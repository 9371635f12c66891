// http:// and https:// URLs as the client needs them.
#pragma once

#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::http {

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string authority;  // as in the Host field
  std::string target;     // path and query, at least "/"

  // Connections are shared by URLs with the same origin.
  [[nodiscard]] std::string origin() const { return (tls ? "https://" : "http://") + authority; }
};

// Errors: Invalid (another scheme, user information, fragment, bad port, control characters or
// spaces).
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace sluice::http
