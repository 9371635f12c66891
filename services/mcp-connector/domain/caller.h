// What tells the callers of a server apart, and which of them is the operator.
#pragma once

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>

namespace sluice::mcp_connector {

struct Caller {
  std::string id;           // tenant and principal
  std::string session;      // of MCP; empty: none
  std::string token_owner;  // whose OAuth tokens its requests carry; empty: the gateway's
};

[[nodiscard]] bool is_admin(const policy::v1::CallerClaims& claims);

// An admin calls, and authorizes, as the gateway itself; anybody else as the principal it is.
[[nodiscard]] Caller caller_of(const policy::v1::CallerClaims& claims, std::string session);

}  // namespace sluice::mcp_connector
