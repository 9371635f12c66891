#include "services/ingress/handlers/oauth_callback.h"

#include "services/ingress/domain/query.h"
#include "services/ingress/limits.h"

#include <string_view>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kUnavailable = 503;

http::HttpResponse page(int status, std::string_view title, std::string_view text) {
  http::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "text/html; charset=utf-8");
  response.headers.add(
      "content-security-policy",
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  );
  response.headers.add("x-frame-options", "DENY");
  response.headers.add("x-content-type-options", "nosniff");
  response.headers.add("referrer-policy", "no-referrer");  // the address holds the code
  response.headers.add("cache-control", "no-store");
  response.body.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>")
      .append(title)
      .append("</title><h1>")
      .append(title)
      .append("</h1><p>")
      .append(text)
      .append("</p></html>\n");
  return response;
}

http::HttpResponse page_of(const Error& error) {
  if (error.code() == Code::Unavailable || error.code() == Code::Deadline ||
      error.code() == Code::Exhausted) {
    return page(
        kUnavailable,
        "Not authorized",
        "A part of the gateway or the authorization server does not answer at the moment. Begin "
        "the "
        "authorization anew in a while."
    );
  }
  return page(
      kBadRequest,
      "Not authorized",
      "This answer cannot be used: it was refused, used before, took too long, or does not come "
      "from the right authorization server. Begin the authorization anew; the gateway's audit "
      "trail "
      "says more."
  );
}

Result<connector::v1::ManageRequest> request_of(std::string_view query) {
  if (query.size() > kOAuthCallbackBytesMax) {
    return Error(Code::Invalid, "the query is too long; begin the authorization anew");
  }
  connector::v1::ManageRequest manage;
  auto* finish = manage.mutable_finish_authorization();
  SLUICE_TRY(auto state, query_text(query, "state"));
  SLUICE_TRY(auto code, query_text(query, "code"));
  SLUICE_TRY(auto iss, query_text(query, "iss"));
  SLUICE_TRY(auto error, query_text(query, "error"));
  finish->set_state(std::move(state).value_or(""));
  finish->set_code(std::move(code).value_or(""));
  finish->set_iss(std::move(iss).value_or(""));
  finish->set_error(std::move(error).value_or(""));
  if (finish->state().empty()) {
    return Error(Code::Invalid, "the query has no state; begin the authorization anew");
  }
  return manage;
}

}  // namespace

Async<http::HttpResponse> OAuthCallbackHandler::operator()(
    http::HttpRequest request, RequestContext context
) {
  auto manage = request_of(request.query);
  if (!manage.ok()) {
    co_return page_of(manage.error());
  }
  const auto done = co_await deps_.servers->manage(std::move(manage).value(), std::move(context));
  co_return done.ok() ? page(
                            kOk,
                            "Authorized",
                            "The gateway may use the MCP server now and is connecting to it. This "
                            "page may be closed."
                        )
                      : page_of(done.error());
}

}  // namespace sluice::ingress
