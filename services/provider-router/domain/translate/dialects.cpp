#include "services/provider-router/domain/translate/dialects.h"

#include "services/provider-router/domain/translate/anthropic_answer.h"
#include "services/provider-router/domain/translate/anthropic_request.h"
#include "services/provider-router/domain/translate/anthropic_stream.h"
#include "services/provider-router/domain/translate/openai_stream.h"

#include "common/json/parse.h"
#include "common/json/write.h"

namespace sluice::provider_router {

Result<UpstreamBody> upstream_body(const Route& route, std::string body, bool stream) {
  if (route.provider->dialect == Dialect::OpenAi) {
    return openai_request(
        std::move(body), route.model, stream, quirks_of(route.provider->base_url)
    );
  }
  SLUICE_TRY(const json::Value request, json::parse(body));
  const AnthropicTarget target{route.model, stream, route.provider->max_tokens_default};
  SLUICE_TRY(const AnthropicBody translated, anthropic_request(request, target));
  return UpstreamBody{json::write(translated.body), translated.usage_asked};
}

AnswerOrFailure read_answer(Dialect dialect, std::string body, const AnswerSource& source) {
  return dialect == Dialect::Anthropic ? anthropic_answer(body, source)
                                       : openai_answer(std::move(body), source);
}

std::unique_ptr<StreamTranslator> make_stream(
    Dialect dialect, const AnswerSource& source, bool usage_asked
) {
  if (dialect == Dialect::Anthropic) {
    return std::make_unique<AnthropicStream>(source, usage_asked);
  }
  return std::make_unique<OpenAiStream>(std::string(source.provider), usage_asked);
}

}  // namespace sluice::provider_router
