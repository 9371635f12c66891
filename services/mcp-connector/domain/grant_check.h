// Compares a verified grant with the request it came with. Pure; the signatures were checked before
// (common/grant).
#pragma once

#include "common/base/result.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <cstdint>
#include <string_view>

namespace sluice::mcp_connector {

// What the connector knows by itself.
struct GrantFacts {
  std::string_view server_id;
  std::string_view method;
  std::string_view arguments;  // the canonical bytes that will be sent
  std::string_view tenant;     // of the verified caller token
  std::string_view principal;
  std::string_view run_id = {};      // of a run token; empty: a caller token
  std::uint64_t policy_version = 0;  // highest heard
  std::int64_t now_unix_ms = 0;
};

// Errors: Denied (the grant is for something else), Conflict (the policy changed since: decide
// again).
[[nodiscard]] Result<void> check_grant(const policy::v1::Grant& grant, const GrantFacts& facts);

// The definition the grant was signed for is the one the server has now. Errors: Conflict.
[[nodiscard]] Result<void> check_definition(
    const policy::v1::Grant& grant, std::string_view live_hash
);

}  // namespace sluice::mcp_connector
