#include "services/ingress/domain/openai_error.h"

#include "common/json/write.h"

namespace sluice::ingress {

http::HttpResponse json_response(int status, std::string body) {
  http::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", "application/json");
  response.body = std::move(body);
  return response;
}

http::HttpResponse response_of(const OpenaiError& error) {
  std::string body = R"({"error":{"message":)";
  json::append_quoted(body, error.message);
  body.append(R"(,"type":)");
  json::append_quoted(body, error.type);
  body.append(R"(,"param":null,"code":)");
  json::append_quoted(body, error.code);
  for (const auto& [name, value] : error.members) {
    body.push_back(',');
    json::append_quoted(body, name);
    body.push_back(':');
    json::append_quoted(body, value);
  }
  body.append("}}");
  auto response = json_response(error.status, std::move(body));
  if (error.should_retry == ShouldRetry::No) {
    response.headers.add("x-should-retry", "false");
  }
  return response;
}

http::Headers event_headers() {
  http::Headers headers;
  headers.add("content-type", "text/event-stream; charset=utf-8");
  headers.add("cache-control", "no-cache");
  headers.add("x-accel-buffering", "no");
  return headers;
}

http::Headers event_headers(const ChainId& chain) {
  http::Headers headers = event_headers();
  headers.add("x-sluice-chain", chain.str());
  return headers;
}

}  // namespace sluice::ingress
