#include "services/ingress/handlers/embeddings.h"

#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/chat_body.h"
#include "services/ingress/domain/model_access.h"
#include "services/ingress/domain/openai_error.h"

#include "common/http/error_map.h"
#include "common/json/scan.h"

namespace sluice::ingress {
namespace {

// The model, when the body is worth a provider's time.
Result<std::string> checked_model(std::string& body) {
  body.reserve(body.size() + json::kScanPadding);
  SLUICE_TRY(const auto scan, json::Scan::object(body));
  SLUICE_TRY(std::string model, model_of(scan));
  const std::string_view input = scan.raw("input");
  if (input.empty() || (input.front() != '"' && input.front() != '[')) {
    return Error(
        Code::Invalid, "input is missing, or neither a string nor an array; send the text to embed"
    );
  }
  return model;
}

}  // namespace

Async<http::HttpResponse> EmbeddingsHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(&request, std::move(context)));
  SLUICE_CO_TRY(const std::string model, checked_model(request.body));
  SLUICE_CO_TRY(const ModelAccess access, ModelAccess::of(*admitted.caller, request.headers));
  admitted.context.chain = new_chain();
  provider::v1::EmbedRequest embed;
  embed.set_model(model);
  embed.set_body(request.body);
  Result<provider::v1::EmbedReply> reply = provider::v1::EmbedReply();
  if (const auto allowed = access.check(model); allowed.ok()) {
    reply = co_await deps_.provider->embed(std::move(embed), admitted.context);
  } else {
    reply = allowed.error();
  }
  if (!reply.ok() && reply.error().code() == Code::Cancelled) {
    co_return std::move(reply).error();
  }
  const auto status = reply.ok()
                          ? reply.value().status()
                          : static_cast<std::uint32_t>(http::status_of(reply.error().code()));
  SLUICE_CO_CHECK_OK(
      deps_.trail->embedding(admitted.context, *admitted.caller, model, request.body, status)
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  if (!reply.ok()) {
    co_return std::move(reply).error();
  }
  co_return json_response(static_cast<int>(status), std::move(*reply.value().mutable_body()));
}

}  // namespace sluice::ingress
