#include "services/ingress/handlers/servers.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/query.h"
#include "services/ingress/domain/server_list.h"
#include "services/ingress/limits.h"

#include <limits>

namespace sluice::ingress {

Async<http::HttpResponse> ServersHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  ServerPage page;
  SLUICE_CO_TRY(page.limit, query_number(request.query, "limit", kServersPageMax, kServersPageMax));
  SLUICE_CO_TRY(
      page.offset,
      query_number(request.query, "offset", 0, std::numeric_limits<std::uint32_t>::max())
  );
  SLUICE_CO_TRY(auto search, query_text(request.query, "search"));
  page.search = std::move(search).value_or("");
  SLUICE_CO_TRY(const auto reply, co_await deps_.servers->list(admitted.context));
  co_return json_response(200, server_list_json(reply, page));
}

}  // namespace sluice::ingress
