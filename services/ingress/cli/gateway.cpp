#include "services/ingress/cli/gateway.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::cli {
namespace {

// Of one request. Source: kManagementTimeout of ingress, and time to connect.
constexpr std::chrono::seconds kTimeout{15};

Code code_of(int status) {
  switch (status) {
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::Denied;
    case 404:
      return Code::NotFound;
    case 409:
      return Code::Conflict;
    default:
      return status >= 500 ? Code::Unavailable : Code::Invalid;
  }
}

Error error_of(const http::ClientResponse& response, const std::string& url) {
  const auto body = json::parse(response.body);
  const json::Value* const error = body.ok() ? body.value().find("error") : nullptr;
  const std::string message = error != nullptr ? error->text_or("message", "") : "";
  return Error(
      code_of(response.status),
      message.empty() ? url + " answered " + std::to_string(response.status) +
                            " without a message: check that SLUICE_URL is the address of a gateway"
                      : message
  );
}

}  // namespace

std::string url_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4U]);
    out.push_back(kHex[byte & 0xFU]);
  }
  return out;
}

Async<json::Value> Gateway::get(std::string path) {
  http::ClientRequest request;
  request.method = "GET";
  request.idempotent = true;
  co_return co_await send(std::move(request), std::move(path));
}

Async<json::Value> Gateway::post(std::string path, json::Value body) {
  http::ClientRequest request;
  request.body = json::write(body);
  request.headers.add("content-type", "application/json");
  co_return co_await send(std::move(request), std::move(path));
}

Async<json::Value> Gateway::remove(std::string path) {
  http::ClientRequest request;
  request.method = "DELETE";
  co_return co_await send(std::move(request), std::move(path));
}

Async<json::Value> Gateway::send(http::ClientRequest request, std::string path) {
  request.url = deps_.url + path;
  request.deadline = deps_.clock->now() + kTimeout;
  if (!deps_.key.empty()) {
    request.headers.add("authorization", "Bearer " + deps_.key);
  }
  const std::string url = request.url;
  SLUICE_CO_TRY(
      const http::ClientResponse response, co_await deps_.client->fetch(std::move(request))
  );
  if (response.status != 200 && response.status != 201) {
    co_return error_of(response, url);
  }
  auto body = json::parse(response.body);
  if (!body.ok()) {
    co_return Error(
        Code::Unavailable,
        url + " answered no JSON: check that SLUICE_URL is the address of a gateway"
    );
  }
  co_return std::move(body).value();
}

}  // namespace sluice::cli
