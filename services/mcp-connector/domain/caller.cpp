#include "services/mcp-connector/domain/caller.h"

#include <algorithm>
#include <utility>

namespace sluice::mcp_connector {

bool is_admin(const policy::v1::CallerClaims& claims) {
  return std::find(claims.roles().begin(), claims.roles().end(), "admin") != claims.roles().end();
}

Caller caller_of(const policy::v1::CallerClaims& claims, std::string session) {
  std::string id = claims.tenant() + '/' + claims.principal();
  return {
      .id = id,
      .session = std::move(session),
      .token_owner = is_admin(claims) ? std::string() : std::move(id)
  };
}

}  // namespace sluice::mcp_connector
