#include "services/ingress/adapters/bus_tool_servers.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<connector::v1::CatalogReply> BusToolServers::catalog(
    connector::v1::CatalogRequest request, RequestContext context
) {
  return bus_->call(endpoints::kConnectorCatalog, std::move(request), std::move(context));
}

Async<connector::v1::Final> BusToolServers::request(
    connector::v1::Request request, ProgressSink progress, RequestContext context
) {
  std::string server = request.server_id();
  SLUICE_CO_TRY(
      auto stream,
      co_await bus_->open(
          endpoints::kConnectorRequest, std::move(server), std::move(request), std::move(context)
      )
  );
  for (;;) {  // ends with the stream, which has a deadline
    SLUICE_CO_TRY(auto chunk, co_await stream.next());
    if (!chunk) {
      co_return std::move(stream.final());
    }
    if (progress) {
      SLUICE_CO_CHECK_OK(co_await progress(std::move(*chunk->mutable_notification())));
    }
  }
}

Async<connector::v1::ManageReply> BusToolServers::list(RequestContext context) {
  connector::v1::ManageRequest request;
  request.mutable_list();
  return bus_->call(endpoints::kConnectorManage, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
