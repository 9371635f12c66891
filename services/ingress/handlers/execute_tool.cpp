#include "services/ingress/handlers/execute_tool.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/execution_answer.h"
#include "services/ingress/domain/narrowing.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/tool_message.h"
#include "services/ingress/limits.h"

#include "common/http/error_map.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::ingress {
namespace {

http::HttpResponse code_response(
    const CodeAnswer& answer, const std::string& id, CallFormat format
) {
  const IsError is_error = answer.ok ? IsError::No : IsError::Yes;
  auto response = json_response(200, text_message(answer.content, is_error, id, format));
  response.headers.add("x-sluice-run", answer.run_id);
  response.headers.add("x-sluice-outcome", answer.outcome);
  return response;
}

}  // namespace

Async<http::HttpResponse> ExecuteToolHandler::operator()(
    http::HttpRequest http_request, RequestContext context
) {
  Request request;
  Execution& execution = request.execution;
  execution.request = &http_request;
  SLUICE_CO_TRY(
      Admitted admitted, co_await deps_.admission->admit(&http_request, std::move(context))
  );
  execution.owner = admitted.owner();
  execution.caller = std::move(admitted.caller);
  execution.context = std::move(admitted.context);
  SLUICE_CO_TRY(request.format, call_format_of(http_request.query));
  SLUICE_CO_TRY(execution.call, ToolCall::parse(http_request.body, request.format));
  SLUICE_CO_TRY(auto named, chain_header(http_request.headers));
  SLUICE_CO_TRY(execution.approval_id, approval_header(http_request.headers));
  execution.chain_named = named.has_value();
  std::optional<std::string> id;
  if (execution.call.id_given) {
    id = execution.call.id;
  }
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find_for_execution(
          execution.owner, std::move(named), std::move(id), execution.context
      )
  );
  execution.context.chain = std::move(point.chain);
  execution.context.hop = point.hop;
  auto answer = co_await execute(&request);
  if (!answer.ok()) {
    if (answer.error().code() == Code::Cancelled) {
      co_return answer;
    }
    answer = http::error_response(answer.error(), http::Dialect::OpenAi);
  }
  co_return co_await finish(&request, std::move(answer).value());
}

Async<http::HttpResponse> ExecuteToolHandler::execute(Request* request) {
  Execution& execution = request->execution;
  SLUICE_CO_TRY(const Narrowing narrowing, Narrowing::parse(execution.request->headers));
  SLUICE_CO_TRY(
      const SnapshotPtr snapshot,
      co_await deps_.catalog->snapshot(execution.caller, narrowing, execution.context)
  );
  if (execution.call.name == kExecuteToolCode && snapshot->offers_code()) {
    co_return co_await run_code(request, narrowing);
  }
  if (is_reading_tool(execution.call.name) && snapshot->offers_code()) {
    co_return co_await read_code(request, narrowing);
  }
  SLUICE_CO_TRY(const ExecutionEnd end, co_await deps_.tools->run(&execution, snapshot, narrowing));
  co_return answer_of(end, execution.call.id, request->format);
}

Async<http::HttpResponse> ExecuteToolHandler::run_code(Request* request, Narrowing narrowing) {
  Execution& execution = request->execution;
  SLUICE_CO_TRY(std::string source, script_of(execution.call.arguments));
  SLUICE_CO_CHECK_OK(
      deps_.trail->tool_execute(execution.context, *execution.caller, execution.call, nullptr, "")
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  request->last_hop = execution.context.hop + kHopsPerRunMax;  // unless the run says otherwise
  SLUICE_CO_TRY(
      const CodeAnswer answer,
      co_await deps_.code->run(
          {.request = execution.request,
           .source = std::move(source),
           .call_id = execution.call.id,
           .filter = narrowing.filter()},
          execution.context
      )
  );
  request->last_hop = answer.hop;
  co_return code_response(answer, execution.call.id, request->format);
}

Async<http::HttpResponse> ExecuteToolHandler::read_code(Request* request, Narrowing narrowing) {
  const Execution& execution = request->execution;
  SLUICE_CO_CHECK_OK(
      deps_.trail->tool_execute(execution.context, *execution.caller, execution.call, nullptr, "")
  );
  SLUICE_CO_TRY(
      const std::string text,
      co_await deps_.code->read(
          execution.call.name, execution.call.arguments, narrowing.filter(), execution.context
      )
  );
  co_return json_response(200, text_message(text, IsError::No, execution.call.id, request->format));
}

Async<http::HttpResponse> ExecuteToolHandler::finish(Request* request, http::HttpResponse answer) {
  const Execution& execution = request->execution;
  const ChainPoint end{
      execution.context.chain, std::max(execution.context.hop + kHopsPerStep - 1, request->last_hop)
  };
  SLUICE_CO_CHECK_OK(co_await deps_.chains->remember(execution.owner, {execution.call.id}, end));
  if (execution.chain_named) {
    SLUICE_CO_CHECK_OK(co_await deps_.chains->remember_chain(execution.owner, end));
  }
  answer.headers.add("x-sluice-chain", end.chain.str());
  count(answer);
  co_return answer;
}

void ExecuteToolHandler::count(const http::HttpResponse& answer) {
  const std::string result = answer.headers.has("x-sluice-replayed") ? "replayed"
                             : answer.status == 200                  ? "done"
                             : answer.status == 403                  ? "denied"
                             : answer.status < 500                   ? "refused"
                                                                     : "failed";
  deps_.metrics
      ->counter(
          "sluice_ingress_tool_executions_total",
          "Executions of tools by their result",
          {{"result", result}}
      )
      .add();
}

}  // namespace sluice::ingress
