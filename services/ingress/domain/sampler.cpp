#include "services/ingress/domain/sampler.h"

#include "services/ingress/domain/model_access.h"
#include "services/ingress/limits.h"

#include "common/crypto/sha256.h"
#include "common/json/parse.h"
#include "common/mcp/json_rpc.h"
#include "common/mcp/protocol.h"

#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

// Above the decisions on the call it belongs to, below the end of the step.
constexpr std::uint32_t kHopOfSampling = 9;

std::string error_response(const Error& error) {
  return R"({"error":)" + mcp::to_json(mcp::to_rpc_error(error)) + "}";
}

}  // namespace

bool Sampler::answers(
    std::string_view server, std::string_view capabilities, const Question& question
) const {
  return question.method == mcp::kSamplingCreateMessage && serves(server) &&
         !may_be_asked(capabilities, question);
}

std::string Sampler::capabilities_for(
    std::string_view server, std::string_view method, const std::string& capabilities
) const {
  Question question;
  question.method = mcp::kSamplingCreateMessage;
  return may_ask(method) && answers(server, capabilities, question) ? with_sampling(capabilities)
                                                                    : capabilities;
}

Async<std::string> Sampler::answer(
    std::string server, Question question, CallerPtr caller, RequestContext context
) {
  SLUICE_CO_TRY(const ModelAccess access, ModelAccess::of(*caller, http::Headers()));
  if (const auto allowed = access.check(deps_.settings->model); !allowed.ok()) {
    co_return error_response(allowed.error());
  }
  auto body = sampling_body(question.params, *deps_.settings);
  if (!body.ok()) {
    co_return error_response(body.error());
  }
  ChatTurn turn;
  turn.caller = std::move(caller);
  turn.context = std::move(context);
  turn.model = deps_.settings->model;
  auto result = co_await ask(std::move(server), std::move(body).value(), std::move(turn));
  if (result.ok()) {
    co_return R"({"result":)" + result.value() + "}";
  }
  if (result.error().code() == Code::Cancelled) {
    co_return std::move(result).error();
  }
  co_return error_response(result.error());
}

Async<std::string> Sampler::ask(std::string server, std::string body, ChatTurn turn) {
  RequestContext context = turn.context;
  context.hop += kHopOfSampling;
  SLUICE_CO_CHECK_OK(deps_.trail->chat_request(context, *turn.caller, turn.model, body, server));
  provider::v1::ChatRequest request;
  request.set_model(turn.model);
  request.set_body(std::move(body));
  ++context.hop;
  auto stream = co_await deps_.provider->chat(std::move(request), std::move(context));
  auto first = stream.ok() ? co_await stream.value()->next()
                           : Result<std::optional<provider::v1::ChatChunk>>(stream.error());
  if (first.ok() && first.value()) {
    first = Error(Code::Internal, "a provider's answer came in pieces although asked for whole");
  }
  if (!first.ok()) {
    SLUICE_CO_CHECK_OK(records_.failed(first.error(), turn));
    co_return std::move(first).error();
  }
  const provider::v1::ChatFinal& final = stream.value()->final();
  SLUICE_CO_CHECK_OK(records_.answered(final, crypto::sha256(final.body()), turn));
  SLUICE_CO_CHECK_OK(co_await records_.remember(&final, &turn));
  co_return sampling_result(final);
}

}  // namespace sluice::ingress
