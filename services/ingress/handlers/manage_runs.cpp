#include "services/ingress/handlers/manage_runs.h"

#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/query.h"
#include "services/ingress/limits.h"

#include "common/json/parse.h"

#include <string>
#include <utility>

namespace sluice::ingress {
namespace {

// With codes of their own where there is no such run and where it has ended.
http::HttpResponse refusal_of(const Error& error) {
  const bool missing = error.code() == Code::NotFound;
  return response_of({
      .status = missing ? 404 : 409,
      .type = missing ? "invalid_request_error" : "conflict_error",
      .code = missing ? "run_not_found" : "run_ended",
      .message = missing ? "there is no such run of the last day that you may see; GET /api/runs "
                           "lists them"
                         : error.message(),
      .members = {},
      .should_retry = ShouldRetry::No,
  });
}

bool is_about_the_run(const Error& error) {
  return error.code() == Code::NotFound || error.code() == Code::Conflict;
}

// Of a cancelled run: 202 while it has not ended.
int status_of(const std::string& document) {
  const auto run = json::parse(document);
  return run.ok() && run.value().find("ended_unix_ms") == nullptr ? 202 : 200;
}

bool is_empty_body(const std::string& body) {
  if (body.empty()) {
    return true;
  }
  const auto value = json::parse(body);
  return value.ok() && value.value().is_object() && value.value().as_object()->empty();
}

}  // namespace

Async<http::HttpResponse> ManageRunsHandler::list(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  SLUICE_CO_TRY(
      const std::size_t limit, query_number(request.query, "limit", kRunsPageDefault, kRunsPageMax)
  );
  if (limit == 0) {
    co_return Error(Code::Invalid, "limit is 0; give a number from 1 to 200");
  }
  codemode::v1::RunsRequest asked;
  asked.mutable_list()->set_limit(static_cast<std::uint32_t>(limit));
  SLUICE_CO_TRY(const auto reply, co_await deps_.runs->ask(std::move(asked), admitted.context));
  co_return json_response(200, R"({"runs":)" + reply.runs() + "}");
}

Async<http::HttpResponse> ManageRunsHandler::get(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  codemode::v1::RunsRequest asked;
  asked.mutable_get()->set_run_id(request.path_parameters.at(0));
  auto reply = co_await deps_.runs->ask(std::move(asked), admitted.context);
  if (!reply.ok() && is_about_the_run(reply.error())) {
    co_return refusal_of(reply.error());
  }
  SLUICE_CO_CHECK_OK(reply);
  co_return json_response(200, std::move(*reply.value().mutable_runs()));
}

Async<http::HttpResponse> ManageRunsHandler::cancel(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  if (!is_empty_body(request.body)) {
    co_return Error(Code::Invalid, "a cancel says nothing more: send no body, or {}");
  }
  codemode::v1::RunsRequest asked;
  asked.mutable_cancel()->set_run_id(request.path_parameters.at(0));
  auto reply = co_await deps_.runs->ask(std::move(asked), admitted.context);
  if (!reply.ok() && is_about_the_run(reply.error())) {
    co_return refusal_of(reply.error());
  }
  SLUICE_CO_CHECK_OK(reply);
  const int status = status_of(reply.value().runs());
  co_return json_response(status, std::move(*reply.value().mutable_runs()));
}

}  // namespace sluice::ingress
