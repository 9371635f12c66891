// Gateway: the management API of a running gateway, as the sluice command asks it. JSON in and out.
#pragma once

#include "common/http/client.h"
#include "common/json/value.h"

#include <string>

namespace sluice::cli {

class Gateway {
 public:
  struct Deps {
    http::Client* client;  // outlive the gateway
    async::Clock* clock;
    std::string url;  // without a slash at its end
    std::string key;
  };

  explicit Gateway(Deps deps) : deps_(std::move(deps)) {}

  // path: with its query. Errors: what the gateway answered, with its message (Unauthenticated,
  // Denied, NotFound, Conflict, Invalid for the other refusals, Unavailable where it could not
  // answer); Unavailable (not reached, no JSON), Deadline.
  Async<json::Value> get(std::string path);
  Async<json::Value> post(std::string path, json::Value body);
  Async<json::Value> remove(std::string path);  // DELETE

 private:
  Async<json::Value> send(http::ClientRequest request, std::string path);

  Deps deps_;
};

// For one segment of a path, or one value of a query.
[[nodiscard]] std::string url_encoded(std::string_view text);

}  // namespace sluice::cli
