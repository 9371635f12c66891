#include "services/mcp-connector/domain/grant_check.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/grant/grant.h"
#include "common/mcp/messages.h"

#include <string>

namespace sluice::mcp_connector {
namespace {

constexpr std::size_t kGrantIdBytes = 16;

Error denied(const char* what) {
  return Error(
      Code::Denied,
      std::string("the grant ") + what +
          "; ask policy-engine to decide this very call and send its grant unchanged"
  );
}

}  // namespace

Result<void> check_grant(const policy::v1::Grant& grant, const GrantFacts& facts) {
  if (grant.grant_id().size() != kGrantIdBytes) {
    return denied("has no id");
  }
  if (grant.server_id() != facts.server_id) {
    return denied("is for another server");
  }
  if (grant.method() != facts.method) {
    return denied("is for another method");
  }
  const bool names_a_tool = !grant.tool().empty() || !grant.definition_hash().empty();
  if (names_a_tool && facts.method != mcp::kToolsCall) {
    return denied("is for a tool");
  }
  if (grant.tenant() != facts.tenant || grant.principal() != facts.principal) {
    return denied("belongs to another caller");
  }
  if (!facts.run_id.empty() && grant.run_id() != facts.run_id) {
    return denied("is for another run");
  }
  if (!equal_constant_time(grant.args_digest(), crypto::sha256(facts.arguments))) {
    return denied("is for other arguments");
  }
  if (facts.now_unix_ms + grant::kClockSkewMs < grant.not_before_unix_ms() ||
      facts.now_unix_ms > grant.not_after_unix_ms()) {
    return denied("is not valid at this time");
  }
  if (grant.not_after_unix_ms() - grant.not_before_unix_ms() >
      grant::kGrantLifeMs + grant::kClockSkewMs) {
    return denied("lives longer than a grant may");
  }
  if (grant.policy_version() < facts.policy_version) {
    return Error(
        Code::Conflict,
        "the policy changed after this grant was signed; decide again and send the new grant"
    );
  }
  return {};
}

Result<void> check_definition(const policy::v1::Grant& grant, std::string_view live_hash) {
  if (grant.definition_hash() != live_hash) {
    return Error(
        Code::Conflict,
        "the server changed the definition of this tool after the grant was signed; list the tools "
        "and decide again"
    );
  }
  return {};
}

}  // namespace sluice::mcp_connector
