#include "services/mcp-connector/domain/outcome.h"

#include "services/mcp-connector/limits.h"

#include "common/mcp/messages.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

CallEnd without_answer(connector::v1::Outcome outcome, const Error& why, std::string_view what) {
  CallEnd end;
  end.outcome = outcome;
  end.error_code = sluice::name_of(why.code());
  end.detail = std::string(what) + why.message();
  end.rpc_code = mcp::json_rpc_code(why.code());
  return end;
}

}  // namespace

CallEnd ended_with(std::string_view method, Answer answer) {
  CallEnd end;
  end.outcome = connector::v1::OUTCOME_DONE;
  if (!answer.error.empty()) {
    end.error_code = "json_rpc_error";
    end.detail = "the server answered with a JSON-RPC error";
  } else if (answer.result.size() > kResultBytesMax) {
    const std::size_t bytes = answer.result.size();
    answer.result.clear();
    answer.asks = false;
    answer.error = mcp::to_json(mcp::RpcError{
        .code = mcp::kInternalError,
        .message = "the call was carried out, but its result of " + std::to_string(bytes) +
                   " bytes exceeds the limit of " + std::to_string(kResultBytesMax) +
                   "; ask for less at a time",
        .data = {}
    });
    end.error_code = "result_too_large";
    end.detail = "the result exceeds the limit";
  } else if (method == mcp::kToolsCall) {
    const auto is_error = mcp::says_is_error(answer.result);
    end.is_error = is_error.ok() && is_error.value();
    if (end.is_error) {
      end.detail = "the tool says isError";
    }
  }
  end.answer = std::move(answer);
  return end;
}

CallEnd not_sent(const Error& why) {
  return without_answer(connector::v1::OUTCOME_FAILED, why, "not sent: ");
}

CallEnd no_answer(const Error& why) {
  if (why.code() == Code::Unauthenticated || why.code() == Code::Denied) {
    return without_answer(
        connector::v1::OUTCOME_FAILED, why, "refused before it was carried out: "
    );
  }
  return without_answer(connector::v1::OUTCOME_UNKNOWN, why, "sent, without an answer: ");
}

CallEnd cut_short(const mcp::RpcError& error, std::string detail) {
  CallEnd end;
  end.outcome = connector::v1::OUTCOME_UNKNOWN;
  end.answer.error = mcp::to_json(error);
  end.error_code = "json_rpc_error";
  end.detail = std::move(detail);
  return end;
}

audit::v1::Outcome audit_outcome(connector::v1::Outcome outcome) {
  switch (outcome) {
    case connector::v1::OUTCOME_DONE:
      return audit::v1::OUTCOME_DONE;
    case connector::v1::OUTCOME_FAILED:
      return audit::v1::OUTCOME_FAILED;
    default:
      return audit::v1::OUTCOME_UNKNOWN;
  }
}

std::string_view name_of(policy::v1::EffectClass effect) {
  switch (effect) {
    case policy::v1::EFFECT_CLASS_READ:
      return "read";
    case policy::v1::EFFECT_CLASS_DELETE:
      return "delete";
    default:
      return "write";
  }
}

bool needs_durable_intent(policy::v1::EffectClass effect) {
  return effect != policy::v1::EFFECT_CLASS_READ;
}

}  // namespace sluice::mcp_connector
