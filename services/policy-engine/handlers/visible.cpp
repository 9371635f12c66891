#include "services/policy-engine/handlers/visible.h"

#include "services/policy-engine/domain/evaluate.h"
#include "services/policy-engine/limits.h"

#include <algorithm>
#include <utility>

namespace sluice::policy_engine {
namespace {

bool is_for_code_mode(const Policy& policy, const CatalogTool& tool) {
  const ServerPolicy* const server = policy_of(policy, tool.server, tool.added);
  return server != nullptr && server->is_code_mode_client;
}

policy::v1::VisibleReply listing(
    const VerifiedCaller& caller, const policy::v1::ToolFilter& filter, const Catalog& catalog
) {
  policy::v1::VisibleReply reply;
  reply.set_policy_version(caller.policy->version);
  const Policy& policy = caller.policy->policy;
  const bool whole =
      policy.tool_pins == ToolPins::Off ||
      std::none_of(catalog.tools().begin(), catalog.tools().end(), [](const CatalogTool& tool) {
        return tool.pin == PinState::Unread;
      });
  if (whole) {
    reply.set_catalog_version(catalog.version());
  }
  const Caller asking{&caller.claims, caller.key, &filter};
  for (const CatalogServer& server : catalog.servers()) {
    const Ruling ruling = evaluate_read(policy, asking, {server.name, server.added});
    if (ruling.verdict != policy::v1::VERDICT_DENY) {
      reply.add_servers(server.id);
    }
  }
  for (const CatalogTool& tool : catalog.tools()) {
    const Ruling ruling = evaluate(policy, asking, tool);
    if (ruling.verdict == policy::v1::VERDICT_DENY) {
      continue;
    }
    policy::v1::VisibleTool* const listed = reply.add_tools();
    listed->set_server_id(tool.server_id);
    listed->set_server(tool.server);
    listed->set_tool(tool.tool);
    listed->set_definition_hash(tool.definition_hash);
    listed->set_verdict(ruling.verdict);
    listed->set_effect_class(ruling.effect);
    listed->set_code_mode(is_for_code_mode(policy, tool));
  }
  return reply;
}

}  // namespace

Async<policy::v1::VisibleReply> VisibleHandler::operator()(
    policy::v1::VisibleRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify_run(context));
  if (request.filter().servers_size() > kFilterEntriesMax ||
      request.filter().tools_size() > kFilterEntriesMax) {
    co_return Error(
        Code::Invalid,
        "a filter names at most " + std::to_string(kFilterEntriesMax) +
            " servers and tools: send fewer"
    );
  }
  SLUICE_CO_TRY(CatalogCache::Snapshot catalog, co_await deps_.catalogs->get(context));
  if (!request.catalog_version().empty() && request.catalog_version() != catalog->version()) {
    SLUICE_CO_TRY(catalog, co_await deps_.catalogs->recheck(context));
  }
  co_return listing(caller, request.filter(), *catalog);
}

}  // namespace sluice::policy_engine
