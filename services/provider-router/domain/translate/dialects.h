// One door to the translations: which one a provider needs follows from its dialect.
#pragma once

#include "services/provider-router/domain/route_table.h"
#include "services/provider-router/domain/translate/answer.h"
#include "services/provider-router/domain/translate/openai_answer.h"
#include "services/provider-router/domain/translate/openai_request.h"

#include <memory>

namespace sluice::provider_router {

// For Dialect::OpenAi and Dialect::Anthropic only. Errors: Invalid.
[[nodiscard]] Result<UpstreamBody> upstream_body(const Route& route, std::string body, bool stream);
[[nodiscard]] AnswerOrFailure read_answer(
    Dialect dialect, std::string body, const AnswerSource& source
);
[[nodiscard]] std::unique_ptr<StreamTranslator> make_stream(
    Dialect dialect, const AnswerSource& source, bool usage_asked
);

}  // namespace sluice::provider_router
