#include "services/audit-writer/handlers/void_grant.h"

namespace sluice::audit_writer {

Async<audit::v1::VoidGrantReply> VoidGrantHandler::operator()(
    audit::v1::VoidGrantRequest request, RequestContext /*context*/
) {
  constexpr std::size_t kGrantIdBytesMax = 64;
  if (request.grant_id().empty() || request.grant_id().size() > kGrantIdBytesMax) {
    co_return Error(Code::Invalid, "a grant id has 1 to 64 bytes");
  }
  SLUICE_CO_TRY(const VoidResult result, co_await store_->void_grant(request.grant_id()));
  audit::v1::VoidGrantReply reply;
  reply.set_voided(result.voided);
  reply.set_used_by_event_id(result.used_by_event_id);
  co_return reply;
}

}  // namespace sluice::audit_writer
