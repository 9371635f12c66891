#include "services/ingress/handlers/manage_keys.h"

#include "services/ingress/domain/key_form.h"
#include "services/ingress/domain/openai_error.h"

#include "common/json/write.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::ingress {

Async<http::HttpResponse> ManageKeysHandler::list(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  operation.mutable_list_keys();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  co_return json_response(200, keys_json(reply));
}

Async<http::HttpResponse> ManageKeysHandler::get(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  operation.mutable_list_keys();
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.policy->manage(std::move(operation), admitted.context)
  );
  const std::string& id = request.path_parameters.at(0);
  const auto found = std::find_if(reply.keys().begin(), reply.keys().end(), [&id](const auto& key) {
    return key.id() == id;
  });
  if (found == reply.keys().end()) {
    co_return Error(Code::NotFound, "no key has the id \"" + id + "\"; GET /api/keys lists them");
  }
  co_return json_response(200, json::write(key_form(*found)));
}

Async<http::HttpResponse> ManageKeysHandler::create(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  SLUICE_CO_TRY(
      *operation.mutable_create_key()->mutable_key(), parse_key(request.body, std::string_view())
  );
  SLUICE_CO_TRY(const auto reply, co_await ask(std::move(operation), admitted.context));
  auto response = json_response(201, new_key_json(reply.keys(0), reply.key_text()));
  response.headers.add("cache-control", "no-store");
  co_return response;
}

Async<http::HttpResponse> ManageKeysHandler::update(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  SLUICE_CO_TRY(
      *operation.mutable_update_key()->mutable_key(),
      parse_key(request.body, request.path_parameters.at(0))
  );
  SLUICE_CO_TRY(const auto reply, co_await ask(std::move(operation), admitted.context));
  co_return json_response(200, json::write(key_form(reply.keys(0))));
}

Async<http::HttpResponse> ManageKeysHandler::revoke(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit_admin(&request, std::move(context))
  );
  policy::v1::ManageRequest operation;
  operation.mutable_revoke_key()->set_id(request.path_parameters.at(0));
  SLUICE_CO_TRY(const auto reply, co_await ask(std::move(operation), admitted.context));
  co_return json_response(200, json::write(key_form(reply.keys(0))));
}

Async<policy::v1::ManageReply> ManageKeysHandler::ask(
    policy::v1::ManageRequest operation, RequestContext context
) {
  SLUICE_CO_TRY(
      policy::v1::ManageReply reply,
      co_await deps_.policy->manage(std::move(operation), std::move(context))
  );
  if (reply.keys_size() != 1) {
    co_return Error(Code::Internal, "policy-engine answered without the key; report this");
  }
  co_return reply;
}

}  // namespace sluice::ingress
