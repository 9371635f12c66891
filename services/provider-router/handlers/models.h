// Lists the models named in the configuration.
#pragma once

#include "services/provider-router/domain/route_table.h"

#include "common/async/request_context.h"

#include "proto/sluice/provider/v1/provider.pb.h"

namespace sluice::provider_router {

class ModelsHandler {
 public:
  // created_unix_s: of every model; the time the configuration was read.
  ModelsHandler(const RouteTable* routes, std::int64_t created_unix_s)
      : routes_(routes), created_unix_s_(created_unix_s) {}

  Async<provider::v1::ModelsReply> operator()(
      provider::v1::ModelsRequest request, RequestContext context
  );

 private:
  const RouteTable* routes_;
  std::int64_t created_unix_s_;
};

}  // namespace sluice::provider_router
