#include "services/provider-router/handlers/embed.h"

#include "services/provider-router/domain/translate/openai_request.h"

namespace sluice::provider_router {

Async<provider::v1::EmbedReply> EmbedHandler::operator()(
    provider::v1::EmbedRequest request, RequestContext context
) {
  ++requests_;
  SLUICE_CO_TRY(const Route route, deps_.routes->find(request.model()));
  if (route.provider->dialect != Dialect::OpenAi) {
    co_return Error(
        Code::Invalid,
        "provider \"" + route.provider->name +
            "\" has no embeddings; use a model of an OpenAI-compatible provider"
    );
  }
  SLUICE_CO_TRY(
      const std::string body, openai_embed_request(std::move(*request.mutable_body()), route.model)
  );
  const Attempts::Deps deps{
      deps_.clock, deps_.audit, deps_.log, deps_.metrics, deps_.seed + requests_
  };
  Attempts attempts(deps, route, context);
  provider::v1::EmbedReply reply;
  for (;;) {
    const TimePoint begin = deps_.clock->now();
    UpstreamCall call{
        route.provider, attempts.key(), Operation::Embed, false, body, context.deadline
    };
    auto response = co_await deps_.upstream->fetch(std::move(call));
    const Duration took = deps_.clock->now() - begin;
    if (!response.ok() && response.error().code() == Code::Cancelled) {
      co_return std::move(response).error();
    }
    if (response.ok() && response.value().status == 200) {
      reply.set_status(200);
      reply.set_body(std::move(response.value().body));
      co_return reply;
    }
    const std::string& name = route.provider->name;
    const Failure failure = response.ok() ? failure_of_answer(
                                                name,
                                                response.value().status,
                                                response.value().headers,
                                                response.value().body,
                                                deps_.clock->unix_ms() / 1000
                                            )
                                          : failure_of_error(name, response.error());
    SLUICE_CO_TRY(const bool again, co_await attempts.again(failure, false, took));
    if (!again) {
      reply.set_status(static_cast<std::uint32_t>(status_of(failure)));
      reply.set_body(error_body(failure));
      co_return reply;
    }
  }
}

}  // namespace sluice::provider_router
