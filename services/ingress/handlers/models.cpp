#include "services/ingress/handlers/models.h"

#include "services/ingress/domain/model_access.h"
#include "services/ingress/domain/openai_error.h"

#include "common/json/write.h"

namespace sluice::ingress {
namespace {

std::string list_of(const provider::v1::ModelsReply& reply, const ModelAccess& access) {
  std::string body = R"({"object":"list","data":[)";
  for (const auto& model : reply.models()) {
    if (!access.allows(model.id())) {
      continue;
    }
    if (body.back() != '[') {
      body.push_back(',');
    }
    body.append(R"({"id":)");
    json::append_quoted(body, model.id());
    body.append(R"(,"object":"model","created":)").append(std::to_string(model.created_unix_s()));
    body.append(R"(,"owned_by":)");
    json::append_quoted(body, model.owned_by());
    body.push_back('}');
  }
  return body.append("]}");
}

}  // namespace

Async<http::HttpResponse> ModelsHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  SLUICE_CO_TRY(const ModelAccess access, ModelAccess::of(*admitted.caller, request.headers));
  SLUICE_CO_TRY(const auto reply, co_await deps_.provider->models(admitted.context));
  co_return json_response(200, list_of(reply, access));
}

}  // namespace sluice::ingress
