#include "services/provider-router/handlers/chat_final.h"

#include "services/provider-router/limits.h"

namespace sluice::provider_router {

void set_facts(provider::v1::ChatFinal& final, const AnswerFacts& facts) {
  provider::v1::Usage& usage = *final.mutable_usage();
  usage.set_prompt_tokens(facts.usage.prompt_tokens);
  usage.set_completion_tokens(facts.usage.completion_tokens);
  usage.set_total_tokens(facts.usage.total_tokens);
  usage.set_cached_tokens(facts.usage.cached_tokens);
  usage.set_reasoning_tokens(facts.usage.reasoning_tokens);
  final.set_finish_reason(facts.finish_reason);
  for (const ToolCall& call : facts.tool_calls) {
    provider::v1::SuggestedCall& suggested = *final.add_tool_calls();
    suggested.set_tool_call_id(call.id);
    suggested.set_name(call.name);
    suggested.set_arguments(call.arguments);
  }
}

void set_failure(provider::v1::ChatFinal& final, const Failure& failure, bool passed_on) {
  final.set_status(static_cast<std::uint32_t>(status_of(failure)));
  final.set_body(error_body(failure));
  final.set_error_kind(std::string(name_of(failure.kind)));
  final.set_should_retry(failure.retryable && !passed_on);
  final.set_upstream_request_id(failure.upstream_request_id);
  if (failure.retry_after) {
    final.set_retry_after_ms(static_cast<std::uint32_t>(failure.retry_after->count()));
  }
}

std::vector<std::string> chunks_of(std::string events) {
  std::vector<std::string> chunks;
  while (events.size() > kChunkBytesMax) {
    std::size_t end = events.rfind("\n\n", kChunkBytesMax - 2);
    if (end == std::string::npos) {
      end = events.find("\n\n", kChunkBytesMax - 2);
    }
    if (end == std::string::npos || end + 2 >= events.size()) {
      break;
    }
    chunks.push_back(events.substr(0, end + 2));
    events.erase(0, end + 2);
  }
  chunks.push_back(std::move(events));
  return chunks;
}

}  // namespace sluice::provider_router
