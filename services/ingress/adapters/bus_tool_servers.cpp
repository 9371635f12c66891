#include "services/ingress/adapters/bus_tool_servers.h"

#include "proto/endpoints.h"

namespace sluice::ingress {
namespace {

using Output = bus::Stream<connector::v1::Progress, connector::v1::Final>;

Async<connector::v1::Final> read_to_end(Output stream, ProgressSink progress) {
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

}  // namespace

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
  co_return co_await read_to_end(std::move(stream), std::move(progress));
}

Async<connector::v1::Final> BusToolServers::go_on(
    connector::v1::Input input, ProgressSink progress, RequestContext context
) {
  std::string server = input.server_id();
  SLUICE_CO_TRY(
      auto stream,
      co_await bus_->open(
          endpoints::kConnectorInput, std::move(server), std::move(input), std::move(context)
      )
  );
  co_return co_await read_to_end(std::move(stream), std::move(progress));
}

Async<connector::v1::ManageReply> BusToolServers::list(RequestContext context) {
  connector::v1::ManageRequest request;
  request.mutable_list();
  return manage(std::move(request), std::move(context));
}

Async<connector::v1::ManageReply> BusToolServers::manage(
    connector::v1::ManageRequest request, RequestContext context
) {
  return bus_->call(endpoints::kConnectorManage, std::move(request), std::move(context));
}

}  // namespace sluice::ingress
