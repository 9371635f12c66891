#include "services/ingress/domain/mcp_methods.h"

#include "services/ingress/domain/code_tool.h"
#include "services/ingress/domain/mcp_read.h"
#include "services/ingress/domain/narrowing.h"
#include "services/ingress/limits.h"

#include "common/mcp/protocol.h"

#include <utility>

namespace sluice::ingress {
namespace {

mcp::RpcError unknown_method(const std::string& method) {
  return {
      .code = mcp::kMethodNotFound,
      .message = "method \"" + method + "\" is not served here",
      .data = {}
  };
}

// A notification that cannot be read is dropped; the call goes on.
Async<void> forward_progress(
    McpReply* reply, observability::Log* log, json::Value token, std::string notification
) {
  auto progress = progress_for(notification, std::move(token));
  if (!progress.ok()) {
    log->debug("progress-dropped", {{"error", progress.error().to_log()}});
    co_return Result<void>();
  }
  co_return co_await reply->notify(std::move(progress).value());
}

// The kinds of changes a subscriptions/listen asks for.
ChangeKinds kinds_in(const json::Value& filter) {
  const auto asks = [&filter](std::string_view member) {
    const json::Value* flag = filter.find(member);
    return flag != nullptr && flag->as_bool().value_or(false);
  };
  return {
      .tools = asks("toolsListChanged"),
      .resources = asks("resourcesListChanged"),
      .prompts = asks("promptsListChanged")
  };
}

}  // namespace

Async<RpcEnd> McpMethods::run(McpExchange* exchange, mcp::Message message) {
  SLUICE_CO_TRY(json::Value params, params_of(message));
  const std::string& method = message.method;
  if (is_list(method)) {
    co_return co_await list(exchange, method, std::move(params));
  }
  if (method == mcp::kToolsCall) {
    co_return co_await call_tool(exchange, std::move(params));
  }
  if (mcp::is_read_method(method)) {
    co_return co_await read(exchange, method, std::move(params));
  }
  if (exchange->era == McpEra::Modern && method == "server/discover") {
    co_return discover_result();
  }
  if (exchange->era == McpEra::Modern && method == "subscriptions/listen") {
    co_return co_await subscribe(exchange, *message.id, std::move(params));
  }
  if (exchange->era == McpEra::Legacy && method == "ping") {
    co_return std::string("{}");
  }
  co_return unknown_method(method);
}

Async<RpcEnd> McpMethods::list(McpExchange* exchange, std::string method, json::Value params) {
  if (params.find("cursor") != nullptr) {
    co_return Error(Code::Invalid, "this cursor is not one of ours; list without a cursor");
  }
  SLUICE_CO_TRY(Narrowing narrowing, Narrowing::parse(exchange->request->headers));
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange, std::move(narrowing)));
  co_return list_result(*all, method, exchange->era);
}

Async<RpcEnd> McpMethods::subscribe(McpExchange* exchange, mcp::RpcId id, json::Value params) {
  const json::Value* filter = params.find("notifications");
  if (filter == nullptr || !filter->is_object()) {
    co_return Error(Code::Invalid, "params.notifications is missing; say what to be told of");
  }
  const ChangeKinds kinds = kinds_in(*filter);
  McpListener listener{
      .request = exchange->request,
      .owner = exchange->owner,
      .context = exchange->context,
      .reply = exchange->reply,
      .first = subscription_acknowledged(id, kinds),
      .changes = changes_of(id, kinds),
      .session = {}
  };
  SLUICE_CO_CHECK_OK(co_await deps_.streams->run(&listener));
  co_return subscription_result(id);
}

Async<SnapshotPtr> McpMethods::snapshot(McpExchange* exchange, Narrowing narrowing) {
  co_return co_await deps_.catalog->snapshot(
      exchange->caller, std::move(narrowing), exchange->context
  );
}

Async<Execution> McpMethods::begin(McpExchange* exchange, ToolCall call, json::Value params) {
  Execution execution;
  execution.request = exchange->request;
  execution.caller = exchange->caller;
  execution.owner = exchange->owner;
  execution.call = std::move(call);
  execution.cancel_with_caller = exchange->era == McpEra::Modern;  // closing the stream cancels
  SLUICE_CO_TRY(auto chain, chain_header(exchange->request->headers));
  if (!chain && !exchange->session.empty()) {  // the calls of a session are one conversation
    chain = derived_chain(exchange->owner, exchange->session);
  }
  execution.chain_named = chain.has_value();
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find(exchange->owner, std::move(chain), {}, exchange->context)
  );
  execution.context = exchange->context;
  execution.context.chain = std::move(point.chain);
  execution.context.hop = point.hop;
  if (auto token = progress_token_of(params)) {
    execution.progress =
        [reply = exchange->reply, log = deps_.log, token = *token](std::string notification
        ) -> Async<void> { return forward_progress(reply, log, token, std::move(notification)); };
  }
  co_return execution;
}

Async<void> McpMethods::finish(McpExchange* exchange, const Execution* execution) {
  if (!execution->chain_named) {
    co_return Result<void>();
  }
  co_return co_await deps_.chains->remember_chain(
      exchange->owner, {execution->context.chain, execution->context.hop + kHopsPerStep - 1}
  );
}

Async<RpcEnd> McpMethods::call_tool(McpExchange* exchange, json::Value params) {
  const std::string name = params.text_or("name", "");
  if (name.empty()) {
    co_return Error(Code::Invalid, "params.name is missing; send the name of a listed tool");
  }
  SLUICE_CO_TRY(ToolCall call, ToolCall::of(name, params.find("arguments")));
  SLUICE_CO_TRY(Execution execution, co_await begin(exchange, std::move(call), std::move(params)));
  auto end = co_await run_tool(exchange, &execution);
  SLUICE_CO_CHECK_OK(co_await finish(exchange, &execution));
  auto* result = end.ok() ? std::get_if<std::string>(&end.value()) : nullptr;
  if (result != nullptr && exchange->era == McpEra::Modern) {
    SLUICE_CO_TRY(end.value(), modern_result(std::move(*result), Caching::No));
  }
  co_return end;
}

Async<RpcEnd> McpMethods::run_tool(McpExchange* exchange, Execution* execution) {
  SLUICE_CO_TRY(const Narrowing narrowing, Narrowing::parse(exchange->request->headers));
  SLUICE_CO_TRY(const SnapshotPtr tools, co_await snapshot(exchange, narrowing));
  if (execution->call.name == kExecuteToolCode && tools->offers_code()) {
    co_return co_await run_code(exchange, execution, narrowing);
  }
  const ToolEntry* tool = tools->find_offered(execution->call.name);
  if (tool != nullptr && exchange->era == McpEra::Modern) {
    if (auto mismatch = refuse_param_headers(
            exchange->request->headers, tools->definition_of(*tool), execution->call.arguments
        )) {
      co_return std::move(*mismatch);
    }
  }
  const auto end = co_await deps_.tools->run(execution, tools, narrowing);
  if (!end.ok() && end.error().code() == Code::Invalid) {
    // Of the arguments: the model can mend them.
    co_return text_result(end.error().message(), true);
  }
  SLUICE_CO_CHECK_OK(end);
  co_return rpc_end_of(end.value());
}

Async<RpcEnd> McpMethods::run_code(
    McpExchange* exchange, Execution* execution, Narrowing narrowing
) {
  SLUICE_CO_TRY(std::string source, script_of(execution->call.arguments));
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(
      execution->context, *execution->caller, execution->call, nullptr, ""
  ));
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  const RequestContext context = execution->context;
  execution->context.hop += kHopsPerRunMax;  // unless the run says otherwise
  SLUICE_CO_TRY(
      const CodeAnswer answer,
      co_await deps_.code->run(
          {.request = exchange->request,
           .source = std::move(source),
           .call_id = execution->call.id,
           .filter = narrowing.filter()},
          context
      )
  );
  execution->context.hop = answer.hop;
  co_return text_result(answer.content, !answer.ok);
}

Async<RpcEnd> McpMethods::read(McpExchange* exchange, std::string method, json::Value params) {
  SLUICE_CO_TRY(Narrowing narrowing, Narrowing::parse(exchange->request->headers));
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange, std::move(narrowing)));
  auto request = read_request_of(all->offerings(), method, params);
  if (!request.ok()) {
    co_return read_error_of(request.error(), method, exchange->era);
  }
  SLUICE_CO_TRY(ToolCall call, ToolCall::of(method, &request.value().params));
  SLUICE_CO_TRY(Execution execution, co_await begin(exchange, std::move(call), std::move(params)));
  const auto end = co_await deps_.tools->request(&execution, std::move(request.value().target));
  SLUICE_CO_CHECK_OK(co_await finish(exchange, &execution));
  SLUICE_CO_CHECK_OK(end);
  RpcEnd answer = read_end_of(end.value(), method, exchange->era);
  auto* result = std::get_if<std::string>(&answer);
  if (result != nullptr && exchange->era == McpEra::Modern) {
    const Caching caching = method == mcp::kResourcesRead ? Caching::Yes : Caching::No;
    SLUICE_CO_TRY(answer, modern_result(std::move(*result), caching));
  }
  co_return answer;
}

}  // namespace sluice::ingress
