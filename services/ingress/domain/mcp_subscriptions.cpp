#include "services/ingress/domain/mcp_subscriptions.h"

#include "services/ingress/domain/chain.h"
#include "services/ingress/domain/mcp_read.h"
#include "services/ingress/limits.h"

#include "common/mcp/protocol.h"

#include <utility>

namespace sluice::ingress {

std::vector<std::string> updated_among(
    const std::vector<std::string>& subscribed,
    const Offerings& offerings,
    const ResourceUpdates& updates
) {
  std::vector<std::string> uris;
  for (const std::string& uri : subscribed) {
    auto target = offerings.resource(uri);
    if (target && (updates.size() >= kMcpUpdatesMax ||
                   updates.contains({std::move(target->server_id), std::move(target->key)}))) {
      uris.push_back(uri);
    }
  }
  return uris;
}

Async<RpcEnd> McpSubscriptions::subscribe(
    const McpSubscriber* by, SnapshotPtr snapshot, std::string uri
) {
  const std::string method(mcp::kResourcesSubscribe);
  const ReadTerms terms{.method = method, .uri = uri, .era = by->era};
  auto request =
      read_request_of(snapshot->offerings(), method, json::object({{"uri", json::Value(uri)}}));
  if (!request.ok()) {
    co_return read_error_of(request.error(), terms);
  }
  ToolEntry& target = request.value().target;
  if (!snapshot->tells_changes(target.server_id)) {
    co_return mcp::RpcError{
        .code = mcp::kMethodNotFound,
        .message = "server \"" + target.server +
                   "\" does not support subscriptions; read the resource again instead",
        .data = {}
    };
  }
  Execution execution;
  execution.request = by->request;
  execution.caller = by->caller;
  execution.owner = by->owner;
  execution.context = by->context;
  execution.context.chain = new_chain();
  execution.client.session = by->session;
  SLUICE_CO_TRY(execution.call, ToolCall::of(method, &request.value().params));
  SLUICE_CO_TRY(
      const ExecutionEnd end, co_await deps_.tools->request(&execution, std::move(target))
  );
  RpcEnd answer = read_end_of(end, terms);
  if (std::holds_alternative<std::string>(answer)) {
    answer = std::string("{}");
  }
  co_return answer;
}

Async<void> McpSubscriptions::renew(
    const McpSubscriber* by, SnapshotPtr snapshot, std::vector<std::string> uris
) {
  std::set<std::string> silent;  // servers that did not answer this time
  for (const std::string& uri : uris) {
    const auto target = snapshot->offerings().resource(uri);
    if (!target || silent.contains(target->server_id)) {
      continue;
    }
    McpSubscriber now = *by;
    now.context.deadline = deps_.clock->now() + kMcpRenewalTimeout;
    const auto end = co_await subscribe(&now, snapshot, uri);
    if (!end.ok() && end.error().code() == Code::Cancelled) {
      co_return end.error();
    }
    if (!end.ok()) {
      silent.insert(target->server_id);
      deps_.log->debug("subscription-not-renewed", {{"uri", uri}, {"error", end.error().to_log()}});
    }
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
