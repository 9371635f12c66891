#include "services/provider-router/handlers/models.h"

namespace sluice::provider_router {

Async<provider::v1::ModelsReply>
ModelsHandler::operator()(provider::v1::ModelsRequest /*request*/, RequestContext /*context*/) {
  provider::v1::ModelsReply reply;
  for (const RouteTable::Listed& listed : routes_->models()) {
    provider::v1::Model& model = *reply.add_models();
    model.set_id(listed.id);
    model.set_owned_by(listed.owned_by);
    model.set_created_unix_s(created_unix_s_);
  }
  co_return reply;
}

}  // namespace sluice::provider_router
