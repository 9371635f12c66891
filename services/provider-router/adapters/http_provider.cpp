#include "services/provider-router/adapters/http_provider.h"

namespace sluice::provider_router {
namespace {

constexpr std::string_view kAnthropicVersion = "2023-06-01";

std::string_view path_of(Dialect dialect, Operation operation) {
  if (dialect == Dialect::Anthropic) {
    return "/v1/messages";
  }
  return operation == Operation::Embed ? "/embeddings" : "/chat/completions";
}

}  // namespace

http::ClientRequest http_request_of(UpstreamCall call) {
  const Dialect dialect = call.provider->dialect;
  http::ClientRequest request;
  request.url = call.provider->base_url;
  request.url += path_of(dialect, call.operation);
  request.headers.add("content-type", "application/json");
  request.headers.add("accept", call.stream ? "text/event-stream" : "application/json");
  if (dialect == Dialect::Anthropic) {
    request.headers.add("anthropic-version", std::string(kAnthropicVersion));
  }
  if (call.key != nullptr) {
    const std::string& value = call.key->value.reveal();
    if (dialect == Dialect::Anthropic) {
      request.headers.add("x-api-key", value);
    } else {
      request.headers.add("authorization", "Bearer " + value);
    }
  }
  request.body = std::move(call.body);
  request.deadline = call.deadline;
  return request;
}

Async<http::ClientResponse> HttpProvider::fetch(UpstreamCall call) {
  return client_->fetch(http_request_of(std::move(call)));
}

Async<std::unique_ptr<http::BodyStream>> HttpProvider::open(UpstreamCall call) {
  return client_->open(http_request_of(std::move(call)));
}

}  // namespace sluice::provider_router
