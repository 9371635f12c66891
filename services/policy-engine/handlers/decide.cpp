#include "services/policy-engine/handlers/decide.h"

#include "services/policy-engine/domain/decide_batch.h"
#include "services/policy-engine/domain/decide_script.h"
#include "services/policy-engine/domain/decision_record.h"
#include "services/policy-engine/domain/evaluate.h"

#include "common/grant/policy_names.h"

#include <utility>

namespace sluice::policy_engine {

Async<policy::v1::DecideReply> DecideHandler::operator()(
    policy::v1::DecideRequest request, RequestContext context
) {
  if (request.has_script()) {
    co_return co_await script(std::move(request), std::move(context));
  }
  co_return co_await calls(std::move(request), std::move(context));
}

Async<policy::v1::DecideReply> DecideHandler::script(
    policy::v1::DecideRequest request, RequestContext context
) {
  const std::int64_t now_unix_ms = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify(context));
  SLUICE_CO_CHECK_OK(check_script(request, context, now_unix_ms));
  request = with_calls_of_script(std::move(request));
  SLUICE_CO_TRY(CatalogCache::Snapshot catalog, co_await deps_.catalogs->get(context));
  if (needs_newer_catalog(request, *catalog)) {
    SLUICE_CO_TRY(catalog, co_await deps_.catalogs->recheck(context));
    SLUICE_CO_CHECK_OK(check_servers(request, *catalog));
  }
  const Batch batch{&caller, catalog.get(), &request, &context, deps_.grant_key};
  policy::v1::DecideReply reply = decide_script(batch);
  reply.mutable_script()->set_run_token(grant::sign_token(
      *deps_.token_key, run_claims(caller.claims, request.script(), deps_.clock->unix_ms())
  ));
  SLUICE_CO_TRY(
      [[maybe_unused]] const std::string event_id, deps_.audit->record(script_record(batch, reply))
  );
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return reply;
}

Async<policy::v1::DecideReply> DecideHandler::calls(
    policy::v1::DecideRequest request, RequestContext context
) {
  const std::int64_t now_unix_ms = deps_.clock->unix_ms();
  SLUICE_CO_TRY(const VerifiedCaller caller, co_await deps_.callers->verify_run(context));
  SLUICE_CO_CHECK_OK(check_request(request, now_unix_ms));
  if (!caller.claims.run_id().empty() && !is_code_mode(request.mode())) {
    co_return Error(
        Code::Denied,
        "a run token is good for calls of its script: send MODE_CODE or MODE_AGENT_CODE"
    );
  }
  SLUICE_CO_TRY(CatalogCache::Snapshot catalog, co_await deps_.catalogs->get(context));
  if (needs_newer_catalog(request, *catalog)) {
    SLUICE_CO_TRY(catalog, co_await deps_.catalogs->recheck(context));
    SLUICE_CO_CHECK_OK(check_servers(request, *catalog));
  }

  const Batch batch{&caller, catalog.get(), &request, &context, deps_.grant_key};
  TakenPlaces taken;
  auto reply = co_await decide(&batch, &taken);
  if (!taken.empty()) {
    SLUICE_CO_CHECK_OK(
        co_await deps_.limits->give_back(reply.ok() ? &reply.value() : nullptr, &taken)
    );
  }
  co_return reply;
}

Async<policy::v1::DecideReply> DecideHandler::decide(const Batch* batch, TakenPlaces* taken) {
  SLUICE_CO_TRY(
      policy::v1::DecideReply reply,
      co_await deps_.limits->apply(batch, decide_batch(*batch), taken)
  );
  SLUICE_CO_TRY(reply, co_await deps_.approvals->apply(batch, std::move(reply), taken));
  for (int i = 0; i < reply.decisions_size(); ++i) {
    auto record = decision_record({batch->request, &reply, i}, *batch->caller, *batch->context);
    SLUICE_CO_TRY(
        [[maybe_unused]] const std::string event_id, deps_.audit->record(std::move(record))
    );
    deps_.metrics
        ->counter(
            "sluice_policy_decisions_total",
            "Decisions, by verdict.",
            {{"verdict", std::string(name_of(reply.decisions(i).verdict()))}}
        )
        .add();
  }
  SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  co_return reply;
}

}  // namespace sluice::policy_engine
