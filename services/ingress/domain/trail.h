// Trail: the audit records ingress leaves, filled. Each has the hop of the context it is given.
#pragma once

#include "services/ingress/domain/authn.h"
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/tool_call.h"

#include "common/audit/client.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::ingress {

class Trail {
 public:
  // body_bytes_max: of a chat request's body kept in its record; 0 keeps none. Digests, and the
  // arguments of tools, are always there.
  Trail(audit::Client* client, std::size_t body_bytes_max)
      : client_(client), body_bytes_max_(body_bytes_max) {}

  // Errors of all: Unavailable (the outbox is full).
  // server: the MCP server that asked for it; empty: the caller did.
  Result<void> chat_request(
      const RequestContext& context,
      const Caller& caller,
      std::string_view model,
      std::string_view body,
      std::string_view server = {}
  );
  // One chat.answer, or one chat.suggestion per suggested call. Tokens stand in the first only, so
  // that sums are right.
  Result<void> chat_answer(
      const RequestContext& context,
      const Caller& caller,
      const provider::v1::ChatFinal& final,
      const CatalogSnapshot* snapshot,
      const std::string& answer_digest
  );
  // A chat that ended without an answer.
  Result<void> chat_failure(
      const RequestContext& context,
      const Caller& caller,
      std::string_view model,
      const Error& error
  );
  Result<void> embedding(
      const RequestContext& context,
      const Caller& caller,
      std::string_view model,
      std::string_view body,
      std::uint32_t status
  );
  // tool: nullptr when no server has it. refusal: why ingress itself refuses; empty when the call
  // goes on to policy.
  Result<void> tool_execute(
      const RequestContext& context,
      const Caller& caller,
      const ToolCall& call,
      const ToolEntry* tool,
      std::string_view refusal
  );
  Result<void> auth_refused(
      const RequestContext& context,
      std::string_view source_address,
      const Error& error,
      int left_out
  );

 private:
  // The record to fill and leave(), before anything else is started.
  [[nodiscard]] audit::v1::Record& start(
      const RequestContext& context, const Caller& caller, std::string_view action
  );
  Result<void> leave();

  audit::Client* client_;
  std::size_t body_bytes_max_;
  audit::v1::Record record_;  // reused: making its fields anew costs as much as filling them
};

}  // namespace sluice::ingress
