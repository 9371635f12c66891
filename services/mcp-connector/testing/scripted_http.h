// ScriptedHttp: an http::Client whose answers are written down by URL, for tests of what asks
// authorization servers.
#pragma once

#include "common/http/client.h"

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mcp_connector {

class ScriptedHttp final : public http::Client {
 public:
  // Answers of one URL in their order; the last one stays. What has none is 404.
  void on(const std::string& url, int status, std::string body) {
    answers_[url].push_back({.status = status, .headers = {}, .body = std::move(body)});
  }

  void forget(const std::string& url) { answers_.erase(url); }

  Async<http::ClientResponse> fetch(http::ClientRequest request) override {
    requests.push_back(request);
    auto& left = answers_[request.url];
    if (left.empty()) {
      co_return http::ClientResponse{.status = 404, .headers = {}, .body = {}};
    }
    http::ClientResponse answer = left.front();
    if (left.size() > 1) {
      left.pop_front();
    }
    co_return answer;
  }

  Async<std::unique_ptr<http::BodyStream>> open(http::ClientRequest) override {
    co_return Error(Code::Internal, "nobody streams here");
  }

  Async<void> connect(http::ClientRequest) override { co_return Result<void>(); }

  [[nodiscard]] std::size_t open_connections() const override { return 0; }

  [[nodiscard]] std::vector<std::string> bodies_to(const std::string& url) const {
    std::vector<std::string> out;
    for (const auto& request : requests) {
      if (request.url == url) {
        out.push_back(request.body);
      }
    }
    return out;
  }

  std::vector<http::ClientRequest> requests;

 private:
  std::map<std::string, std::deque<http::ClientResponse>> answers_;
};

}  // namespace sluice::mcp_connector
