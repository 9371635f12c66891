#include "common/service/health.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::service {
namespace {

using BodyPointer = std::shared_ptr<Runtime::Body>;

http::HttpResponse reply(int status, std::string type, std::string text) {
  http::HttpResponse response;
  response.status = status;
  response.headers.add("content-type", std::move(type));
  response.body = std::move(text);
  return response;
}

// Alive is whoever answers.
Async<http::HttpResponse> answer_health(BodyPointer body) {
  const json::Value said = json::object(
      {{"status", "ok"}, {"service", body->deps.service}, {"instance", body->deps.instance}}
  );
  co_return reply(200, "application/json", json::write(said));
}

Async<http::HttpResponse> answer_ready(BodyPointer body) {
  const auto objections = body->objections();
  json::Object checks;
  for (const auto& [name, objection] : objections) {
    checks.set(name, objection);
  }
  const json::Value said = json::object(
      {{"status", objections.empty() ? "ready" : "not ready"}, {"checks", std::move(checks)}}
  );
  co_return reply(objections.empty() ? 200 : 503, "application/json", json::write(said));
}

Async<http::HttpResponse> answer_metrics(BodyPointer body) {
  co_return reply(200, "text/plain; version=0.0.4; charset=utf-8", body->deps.metrics->expose());
}

http::Route route(
    std::string path, BodyPointer body, Async<http::HttpResponse> (*answer)(BodyPointer)
) {
  http::Route made;
  made.method = "GET";
  made.path = std::move(path);
  made.dialect = http::Dialect::Plain;
  made.handler = [body = std::move(body), answer](const http::HttpRequest&, const RequestContext&) {
    return answer(body);
  };
  return made;
}

}  // namespace

std::vector<http::Route> health_routes(std::shared_ptr<Runtime::Body> body) {
  std::vector<http::Route> routes;
  routes.push_back(route("/healthz", body, answer_health));
  routes.push_back(route("/readyz", body, answer_ready));
  routes.push_back(route("/metrics", body, answer_metrics));
  return routes;
}

}  // namespace sluice::service
