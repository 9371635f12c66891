#include "services/ingress/handlers/approvals.h"

#include "services/ingress/domain/approval_form.h"
#include "services/ingress/domain/event_stream.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/domain/query.h"
#include "services/ingress/limits.h"

#include "common/grant/approval_form.h"
#include "common/grant/policy_names.h"
#include "common/http/sse.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::ingress {
namespace {

Result<policy::v1::ListApprovalsRequest> list_request(std::string_view query) {
  policy::v1::ListApprovalsRequest request;
  SLUICE_TRY(const auto state, query_text(query, "state"));
  if (state && !state->empty()) {
    const auto known = policy::v1::approval_state_named(*state);
    if (!known) {
      return Error(
          Code::Invalid,
          "state is none of pending, approved, denied, expired, granted and void; give one of "
          "them, or leave it out"
      );
    }
    request.set_state(*known);
  }
  SLUICE_TRY(
      const std::size_t limit,
      query_number(query, "limit", kApprovalsPageDefault, kApprovalsPageMax)
  );
  if (limit == 0) {
    return Error(Code::Invalid, "limit is 0; give a number from 1 to 200");
  }
  request.set_limit(static_cast<std::uint32_t>(limit));
  SLUICE_TRY(auto after, query_text(query, "after"));
  request.set_after(std::move(after).value_or(""));
  return request;
}

// With a code of its own where there is no such approval.
template <class Reply>
Result<http::HttpResponse> answer_with(const Result<Reply>& reply) {
  if (reply.ok()) {
    return json_response(200, json::write(grant::approval_form(reply.value().approval())));
  }
  if (reply.error().code() != Code::NotFound) {
    return reply.error();
  }
  return response_of({
      .status = 404,
      .type = "invalid_request_error",
      .code = "approval_not_found",
      .message = "there is no such approval that you may see; GET /api/approvals lists them",
      .members = {},
      .should_retry = ShouldRetry::No,
  });
}

// Hears while it lives.
class Place {
 public:
  Place(ApprovalFeed* feed, ApprovalListener* listener) : feed_(feed), listener_(listener) {
    feed_->add(listener_);
  }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place(Place&&) = delete;
  Place& operator=(Place&&) = delete;

  ~Place() { feed_->remove(listener_); }

 private:
  ApprovalFeed* feed_;
  ApprovalListener* listener_;
};

}  // namespace

Async<http::HttpResponse> ApprovalsHandler::list(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  SLUICE_CO_TRY(auto wanted, list_request(request.query));
  SLUICE_CO_TRY(
      const auto reply, co_await deps_.approvals->list(std::move(wanted), admitted.context)
  );
  co_return json_response(200, approvals_json(reply));
}

Async<http::HttpResponse> ApprovalsHandler::get(http::HttpRequest request, RequestContext context) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  policy::v1::GetApprovalRequest wanted;
  wanted.set_id(request.path_parameters.at(0));
  co_return answer_with(co_await deps_.approvals->get(std::move(wanted), admitted.context));
}

Async<http::HttpResponse> ApprovalsHandler::answer(
    http::HttpRequest request, RequestContext context
) {
  SLUICE_CO_TRY(
      const Admitted admitted, co_await deps_.admission->admit(&request, std::move(context))
  );
  SLUICE_CO_TRY(auto answer, parse_answer(request.path_parameters.at(0), request.body));
  co_return answer_with(co_await deps_.approvals->answer(std::move(answer), admitted.context));
}

Async<void> ApprovalsHandler::events(
    http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
) {
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(&request, context));
  if (!deps_.feed->has_room(admitted.caller->claims)) {
    co_return Error(Code::Exhausted, "too many event streams are open; close some of them");
  }
  ApprovalListener listener(std::move(admitted.caller));
  const Place place(deps_.feed, &listener);
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, event_headers()));
  SLUICE_CO_CHECK_OK(co_await writer->write(std::string(http::kSseKeepAlive)));
  const EventStream stream{
      .events = listener.events(),
      .admission = deps_.admission,
      .clock = deps_.clock,
      .request = &request,
      .on_renew = [&listener](CallerPtr caller) { listener.renew(std::move(caller)); },
  };
  SLUICE_CO_CHECK_OK(co_await send_events(&stream, writer, std::move(context)));
  co_return co_await writer->end();
}

}  // namespace sluice::ingress
