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

// The resources it asks for.
Result<std::vector<std::string>> uris_in(const json::Value& filter) {
  std::vector<std::string> uris;
  const json::Value* list = filter.find("resourceSubscriptions");
  if (list == nullptr) {
    return uris;
  }
  if (!list->is_array() || list->as_array()->size() > kMcpSubscriptionsMax) {
    return Error(
        Code::Invalid,
        "resourceSubscriptions is no list of at most " + std::to_string(kMcpSubscriptionsMax) +
            " URIs; send one"
    );
  }
  for (const json::Value& uri : *list->as_array()) {
    if (uri.is_string()) {
      uris.push_back(*uri.as_string());
    }
  }
  return uris;
}

Result<std::string> uri_in(const json::Value& params) {
  std::string uri = params.text_or("uri", "");
  if (uri.empty() || uri.size() > kMcpUriBytesMax) {
    return Error(
        Code::Invalid,
        "params.uri is missing or longer than " + std::to_string(kMcpUriBytesMax) +
            " bytes; send the URI of a resource"
    );
  }
  return uri;
}

McpSubscriber subscriber_of(const McpExchange& exchange) {
  return {
      .request = exchange.request,
      .owner = exchange.owner,
      .caller = exchange.caller,
      .context = exchange.context,
      .session = exchange.session,
      .era = exchange.era
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
  if (mcp::is_read_method(method) && method != mcp::kResourcesSubscribe) {
    co_return co_await read(exchange, method, std::move(params));
  }
  if (exchange->era == McpEra::Legacy) {
    co_return co_await run_legacy(exchange, method, std::move(params));
  }
  co_return co_await run_modern(exchange, std::move(message), std::move(params));
}

Async<RpcEnd> McpMethods::run_legacy(
    McpExchange* exchange, std::string method, json::Value params
) {
  if (method == "ping") {
    co_return std::string("{}");
  }
  if (method == "logging/setLevel") {
    SLUICE_CO_TRY(std::string level, log_level_in(params));
    SLUICE_CO_CHECK_OK(
        co_await deps_.sessions->set_log_level(exchange->owner, exchange->session, std::move(level))
    );
    co_return std::string("{}");
  }
  if (method == mcp::kResourcesSubscribe) {
    SLUICE_CO_TRY(std::string uri, uri_in(params));
    co_return co_await subscribe(exchange, std::move(uri));
  }
  if (method == "resources/unsubscribe") {
    SLUICE_CO_TRY(std::string uri, uri_in(params));
    SLUICE_CO_CHECK_OK(
        co_await deps_.sessions->unsubscribe(exchange->owner, exchange->session, std::move(uri))
    );
    co_return std::string("{}");
  }
  co_return unknown_method(method);
}

Async<RpcEnd> McpMethods::run_modern(
    McpExchange* exchange, mcp::Message message, json::Value params
) {
  if (message.method == "server/discover") {
    SLUICE_CO_TRY(const std::string text, co_await instructions(exchange));
    co_return discover_result(text);
  }
  if (message.method == "subscriptions/listen") {
    co_return co_await listen(exchange, *message.id, std::move(params));
  }
  co_return unknown_method(message.method);
}

Async<std::string> McpMethods::instructions(McpExchange* exchange) {
  const auto all = co_await snapshot(exchange);
  if (!all.ok()) {
    if (all.error().code() == Code::Cancelled) {
      co_return all.error();
    }
    co_return std::string();
  }
  co_return all.value()->instructions();
}

Async<RpcEnd> McpMethods::list(McpExchange* exchange, std::string method, json::Value params) {
  if (params.find("cursor") != nullptr) {
    co_return Error(Code::Invalid, "this cursor is not one of ours; list without a cursor");
  }
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange));
  co_return list_result(*all, method, exchange->era);
}

Async<RpcEnd> McpMethods::listen(McpExchange* exchange, mcp::RpcId id, json::Value params) {
  const json::Value* filter = params.find("notifications");
  if (filter == nullptr || !filter->is_object()) {
    co_return Error(Code::Invalid, "params.notifications is missing; say what to be told of");
  }
  const ChangeKinds kinds = kinds_in(*filter);
  SLUICE_CO_TRY(std::vector<std::string> uris, uris_in(*filter));
  SLUICE_CO_TRY(uris, co_await honoured(exchange, std::move(uris)));
  McpListener listener{
      .request = exchange->request,
      .owner = exchange->owner,
      .context = exchange->context,
      .reply = exchange->reply,
      .first = subscription_acknowledged(id, kinds, uris),
      .changes = changes_of(id, kinds),
      .session = {},
      .subscription = id,
      .resources = std::move(uris),
      .numbered = nullptr,
      .primed = false,
      .known = {},
      .id = {},
      .updates = {},
      .renewal = {}
  };
  SLUICE_CO_CHECK_OK(co_await deps_.streams->run(&listener));
  co_return subscription_result(id);
}

Async<std::vector<std::string>> McpMethods::honoured(
    McpExchange* exchange, std::vector<std::string> uris
) {
  std::vector<std::string> told;
  if (uris.empty()) {
    co_return told;
  }
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange));
  const McpSubscriber by = subscriber_of(*exchange);
  for (std::string& uri : uris) {
    const auto end = co_await deps_.subscriptions->subscribe(&by, all, uri);
    if (!end.ok() && end.error().code() == Code::Cancelled) {
      co_return end.error();
    }
    if (end.ok() && std::holds_alternative<std::string>(end.value())) {
      told.push_back(std::move(uri));
    }
  }
  co_return told;
}

Async<RpcEnd> McpMethods::subscribe(McpExchange* exchange, std::string uri) {
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange));
  const McpSubscriber by = subscriber_of(*exchange);
  SLUICE_CO_TRY(RpcEnd end, co_await deps_.subscriptions->subscribe(&by, all, uri));
  if (std::holds_alternative<std::string>(end)) {
    SLUICE_CO_TRY(
        const bool kept,
        co_await deps_.sessions->subscribe(exchange->owner, exchange->session, std::move(uri))
    );
    if (!kept) {
      co_return Error(
          Code::Exhausted, "this session has too many subscriptions; unsubscribe from some of them"
      );
    }
  }
  co_return end;
}

Async<SnapshotPtr> McpMethods::snapshot(McpExchange* exchange) {
  SLUICE_CO_TRY(Narrowing narrowing, Narrowing::parse(exchange->request->headers));
  co_return co_await deps_.catalog->snapshot(
      exchange->caller, std::move(narrowing), exchange->context
  );
}

Async<RpcEnd> McpMethods::call_tool(McpExchange* exchange, json::Value params) {
  const std::string name = params.text_or("name", "");
  if (name.empty()) {
    co_return Error(Code::Invalid, "params.name is missing; send the name of a listed tool");
  }
  std::optional<InputRetry> retry;
  if (exchange->era == McpEra::Modern) {
    SLUICE_CO_TRY(retry, take_retry(&params));
  }
  SLUICE_CO_TRY(ToolCall call, ToolCall::of(name, params.find("arguments")));
  const std::string method(mcp::kToolsCall);
  SLUICE_CO_TRY(
      Execution execution,
      co_await deps_.executions->begin(exchange, std::move(call), method, std::move(params))
  );
  auto end = co_await run_tool(exchange, &execution, std::move(retry));
  SLUICE_CO_CHECK_OK(co_await deps_.executions->finish(exchange, &execution));
  auto* result = end.ok() ? std::get_if<std::string>(&end.value()) : nullptr;
  if (result != nullptr && exchange->era == McpEra::Modern) {
    SLUICE_CO_TRY(end.value(), modern_result(std::move(*result), Caching::No));
  }
  co_return end;
}

Async<RpcEnd> McpMethods::run_tool(
    McpExchange* exchange, Execution* execution, std::optional<InputRetry> retry
) {
  SLUICE_CO_TRY(const Narrowing narrowing, Narrowing::parse(exchange->request->headers));
  SLUICE_CO_TRY(const SnapshotPtr tools, co_await snapshot(exchange));
  if (execution->call.name == kExecuteToolCode && tools->offers_code()) {
    co_return co_await run_code(exchange, execution, narrowing);
  }
  if (is_reading_tool(execution->call.name) && tools->offers_code()) {
    co_return co_await read_code(execution, narrowing);
  }
  const ToolEntry* tool = tools->find_offered(execution->call.name);
  if (tool != nullptr && exchange->era == McpEra::Modern) {
    if (auto mismatch = refuse_param_headers(
            exchange->request->headers, tools->definition_of(*tool), execution->call.arguments
        )) {
      co_return std::move(*mismatch);
    }
  }
  if (retry && retry->state.server_id == kApprovalStateServer) {
    SLUICE_CO_TRY(
        const ExecutionEnd approved,
        co_await deps_.executions->resume_approval(
            exchange, execution, tools, narrowing, std::move(*retry)
        )
    );
    co_return rpc_end_of(approved);
  }
  if (retry) {
    ToolEntry target = tool == nullptr ? ToolEntry() : *tool;
    SLUICE_CO_TRY(
        const ExecutionEnd resumed,
        co_await deps_.executions->resume(execution, std::move(target), std::move(*retry))
    );
    co_return rpc_end_of(resumed);
  }
  const auto end = co_await deps_.executions->run(exchange, execution, tools, narrowing);
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

Async<RpcEnd> McpMethods::read_code(Execution* execution, Narrowing narrowing) {
  SLUICE_CO_CHECK_OK(deps_.trail->tool_execute(
      execution->context, *execution->caller, execution->call, nullptr, ""
  ));
  const auto text = co_await deps_.code->read(
      execution->call.name, execution->call.arguments, narrowing.filter(), execution->context
  );
  if (!text.ok() && text.error().code() == Code::Invalid) {
    co_return text_result(text.error().message(), true);  // the model can mend it
  }
  SLUICE_CO_CHECK_OK(text);
  co_return text_result(text.value(), false);
}

Async<RpcEnd> McpMethods::read(McpExchange* exchange, std::string method, json::Value params) {
  SLUICE_CO_TRY(const SnapshotPtr all, co_await snapshot(exchange));
  std::optional<InputRetry> retry;
  if (exchange->era == McpEra::Modern) {
    SLUICE_CO_TRY(retry, take_retry(&params));
  }
  const std::string uri = params.text_or("uri", "");
  const ReadTerms terms{.method = method, .uri = uri, .era = exchange->era};
  auto request = read_request_of(all->offerings(), method, params);
  if (!request.ok()) {
    co_return read_error_of(request.error(), terms);
  }
  SLUICE_CO_TRY(ToolCall call, ToolCall::of(method, &request.value().params));
  SLUICE_CO_TRY(
      Execution execution,
      co_await deps_.executions->begin(exchange, std::move(call), method, std::move(params))
  );
  const auto end = co_await deps_.executions->request(
      exchange, &execution, std::move(request.value().target), std::move(retry)
  );
  SLUICE_CO_CHECK_OK(co_await deps_.executions->finish(exchange, &execution));
  SLUICE_CO_CHECK_OK(end);
  RpcEnd answer = read_end_of(end.value(), terms);
  auto* result = std::get_if<std::string>(&answer);
  if (result != nullptr && exchange->era == McpEra::Modern) {
    const bool asks = std::holds_alternative<InputNeeded>(end.value());
    const Caching caching = method == mcp::kResourcesRead && !asks ? Caching::Yes : Caching::No;
    SLUICE_CO_TRY(answer, modern_result(std::move(*result), caching));
  }
  co_return answer;
}

}  // namespace sluice::ingress
