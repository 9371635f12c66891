#include "services/ingress/domain/chat_records.h"

#include "services/ingress/limits.h"

#include <utility>
#include <vector>

namespace sluice::ingress {
namespace {

// Of the records that end a step: above whatever provider-router recorded of it.
RequestContext at_end(RequestContext context) {
  context.hop += kHopsPerStep - 1;
  return context;
}

}  // namespace

Result<void> ChatRecords::answered(
    const provider::v1::ChatFinal& final, const std::string& answer_digest, const ChatTurn& turn
) {
  tokens_.count(final);
  return deps_.trail->chat_answer(
      at_end(turn.context), *turn.caller, final, turn.snapshot.get(), answer_digest
  );
}

Async<void> ChatRecords::remember(const provider::v1::ChatFinal* final, const ChatTurn* turn) {
  RequestContext end = at_end(turn->context);
  if (turn->agent_depth > 0) {  // of the calls that may run next, and their decisions
    end.hop += kHopsPerStep + static_cast<std::uint32_t>(final->tool_calls_size());
  }
  std::vector<std::string> ids;
  for (const auto& call : final->tool_calls()) {
    if (!call.tool_call_id().empty() && call.tool_call_id().size() <= kToolCallIdBytesMax &&
        ids.size() < kToolCallIdsMax) {
      ids.push_back(call.tool_call_id());
    }
  }
  if (!ids.empty()) {
    SLUICE_CO_CHECK_OK(
        co_await deps_.chains->remember(turn->owner, std::move(ids), {end.chain, end.hop})
    );
  }
  if (turn->chain_named) {
    SLUICE_CO_CHECK_OK(co_await deps_.chains->remember_chain(turn->owner, {end.chain, end.hop}));
  }
  co_return co_await deps_.audit->written();
}

Result<void> ChatRecords::failed(const Error& error, const ChatTurn& turn) {
  return deps_.trail->chat_failure(at_end(turn.context), *turn.caller, turn.model, error);
}

}  // namespace sluice::ingress
