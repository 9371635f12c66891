#include "services/ingress/domain/trail.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"
#include "common/json/write.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::uint32_t kStatusErrorsFrom = 400;

// At most max bytes, cut between two characters.
std::string_view bounded(std::string_view text, std::size_t max) {
  if (text.size() <= max) {
    return text;
  }
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

// A body that is too long is kept as {"prefix":"…"}, so that what is stored is JSON in any case.
void set_body(audit::v1::Record& record, std::string_view body, std::size_t max) {
  if (max == 0) {
    return;
  }
  if (body.size() <= max && is_utf8(body)) {
    record.set_body(body.data(), body.size());
    return;
  }
  record.set_body_truncated(true);
  std::string prefix = R"({"prefix":)";
  const std::string_view kept = bounded(body, max);
  json::append_quoted(prefix, is_utf8(kept) ? kept : std::string_view("not UTF-8"));
  prefix.push_back('}');
  record.set_body(std::move(prefix));
}

void set_provider(audit::v1::Record& record, const provider::v1::ChatFinal& final) {
  record.set_provider(final.provider());
  record.set_model(final.model());
  record.set_latency_us(final.upstream_us());
}

void set_suggestion(
    audit::v1::Record& record,
    const provider::v1::SuggestedCall& call,
    const CatalogSnapshot* snapshot
) {
  record.mutable_tool_call_id()->assign(bounded(call.tool_call_id(), kToolCallIdBytesMax));
  record.set_args_digest(crypto::sha256(call.arguments()));
  set_body(
      record,
      call.arguments().empty() ? std::string_view("{}") : std::string_view(call.arguments()),
      kRecordArgumentsBytesMax
  );
  const ToolEntry* tool = snapshot != nullptr ? snapshot->find_offered(call.name()) : nullptr;
  if (tool != nullptr) {
    record.set_server(tool->server);
    record.set_tool(tool->tool);
    record.set_definition_hash(tool->definition_hash);
  } else {
    record.mutable_tool()->assign(bounded(call.name(), kRecordTextBytesMax)
    );  // the client's own, or made up by the model
  }
}

}  // namespace

Result<void> Trail::chat_request(
    const RequestContext& context,
    const Caller& caller,
    std::string_view model,
    std::string_view body,
    std::string_view server
) {
  audit::v1::Record& record = start(context, caller, "chat.request");
  record.mutable_model()->assign(model);
  record.mutable_server()->assign(server);
  record.set_args_digest(crypto::sha256(body));
  set_body(record, body, body_bytes_max_);
  return leave();
}

Result<void> Trail::chat_answer(
    const RequestContext& context,
    const Caller& caller,
    const provider::v1::ChatFinal& final,
    const CatalogSnapshot* snapshot,
    const std::string& answer_digest
) {
  const int suggestions =
      std::min(final.tool_calls_size(), static_cast<int>(kSuggestionRecordsMax));
  for (int i = 0; i < std::max(suggestions, 1); ++i) {
    audit::v1::Record& record =
        start(context, caller, suggestions > 0 ? "chat.suggestion" : "chat.answer");
    set_provider(record, final);
    record.set_result_digest(answer_digest);
    record.mutable_detail()->assign(bounded(final.finish_reason(), kRecordTextBytesMax));
    if (i == 0) {
      record.set_prompt_tokens(final.usage().prompt_tokens());
      record.set_completion_tokens(final.usage().completion_tokens());
    }
    if (suggestions > 0) {
      set_suggestion(record, final.tool_calls(i), snapshot);
    }
    if (i + 1 == suggestions && suggestions < final.tool_calls_size()) {
      record.set_detail(
          std::to_string(final.tool_calls_size() - suggestions) + " more calls were suggested"
      );
    }
    if (final.status() >= kStatusErrorsFrom) {
      record.set_outcome(audit::v1::OUTCOME_FAILED);
      record.set_error_code(final.error_kind());
    }
    SLUICE_CHECK_OK(leave());
  }
  return {};
}

Result<void> Trail::chat_failure(
    const RequestContext& context, const Caller& caller, std::string_view model, const Error& error
) {
  audit::v1::Record& record = start(context, caller, "chat.answer");
  record.mutable_model()->assign(model);
  record.set_outcome(audit::v1::OUTCOME_FAILED);
  record.set_error_code(std::string(name_of(error.code())));
  record.mutable_detail()->assign(bounded(error.message(), kRecordTextBytesMax));
  return leave();
}

Result<void> Trail::embedding(
    const RequestContext& context,
    const Caller& caller,
    std::string_view model,
    std::string_view body,
    std::uint32_t status
) {
  audit::v1::Record& record = start(context, caller, "embeddings.answer");
  record.mutable_model()->assign(model);
  record.set_args_digest(crypto::sha256(body));
  if (status >= kStatusErrorsFrom) {
    record.set_outcome(audit::v1::OUTCOME_FAILED);
    record.set_error_code(std::to_string(status));
  }
  return leave();
}

Result<void> Trail::tool_execute(
    const RequestContext& context,
    const Caller& caller,
    const ToolCall& call,
    const ToolEntry* tool,
    std::string_view refusal
) {
  audit::v1::Record& record = start(context, caller, "tool.execute");
  record.set_tool_call_id(call.id);
  record.set_args_digest(crypto::sha256(call.arguments));
  set_body(record, call.arguments, kRecordArgumentsBytesMax);
  if (tool != nullptr) {
    record.set_server(tool->server);
    record.set_tool(tool->tool.empty() ? tool->method : tool->tool);
    record.set_definition_hash(tool->definition_hash);
  } else {
    record.mutable_tool()->assign(bounded(call.name, kRecordTextBytesMax));
  }
  if (!refusal.empty()) {
    record.set_outcome(audit::v1::OUTCOME_REFUSED);
    record.mutable_reason()->assign(bounded(refusal, kRecordTextBytesMax));
  }
  return leave();
}

Result<void> Trail::auth_refused(
    const RequestContext& context, std::string_view source_address, const Error& error, int left_out
) {
  audit::v1::Record& record = record_;
  audit::begin(record, context, "auth.refused");
  record.mutable_source_address()->assign(source_address);
  record.set_outcome(audit::v1::OUTCOME_REFUSED);
  record.set_error_code(std::string(name_of(error.code())));
  record.mutable_reason()->assign(bounded(error.message(), kRecordTextBytesMax));
  if (left_out > 0) {
    record.set_detail(
        std::to_string(left_out) + " further refusals before this one have no record of their own"
    );
  }
  return leave();
}

audit::v1::Record& Trail::start(
    const RequestContext& context, const Caller& caller, std::string_view action
) {
  audit::begin(record_, context, action);
  record_.set_agent(caller.claims.agent());
  record_.set_key_id(caller.claims.key_id());
  return record_;
}

Result<void> Trail::leave() {
  auto event = client_->record(std::move(record_));  // what is left of it, start() clears
  if (!event.ok()) {
    return std::move(event).error();
  }
  return {};
}

}  // namespace sluice::ingress
