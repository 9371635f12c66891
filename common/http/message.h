// HTTP messages as handlers see them: plain structs. Parser and socket types end at server.cpp and
// client.cpp.
#pragma once

#include "common/async/async.h"
#include "common/async/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

// In order of arrival. Names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }

  // Replaces all of that name.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
  // The first of that name, or "".
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;

  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const {
    return fields_;
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>>& fields() { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Whether the text is a token (RFC 9110 section 5.6.2), as methods and names of fields are.
[[nodiscard]] bool is_token(std::string_view text);
// Whether Content-Type says that type; its parameters do not count. type: lower case.
[[nodiscard]] bool has_media_type(const Headers& headers, std::string_view type);

struct HttpRequest {
  std::string method;
  std::string target;  // as sent
  std::string path;    // before '?', refused by the server unless in its one canonical form
  std::string query;   // after '?', not decoded
  Headers headers;
  std::string body;  // has capacity for json::Scan
  std::string remote_address;
  std::vector<std::string> path_parameters;  // filled by the router: "/a/{id}" -> {"…"}
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
};

// Streaming responses. write suspends while the client does not read (bounded buffer); Cancelled or
// Unavailable when the client went.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  virtual Async<void> begin(int status, Headers headers) = 0;  // chunked transfer coding
  virtual Async<void> write(std::string bytes) = 0;            // one HTTP chunk
  virtual Async<void> end() = 0;
  // A whole response with content-length, instead of begin … end: for a route that streams or not
  // as the body asks. One write where the socket takes it.
  virtual Async<void> respond(HttpResponse response) = 0;
  // True once begin or respond was called: after it an error can only be told inside the body.
  [[nodiscard]] virtual bool begun() const = 0;
};

}  // namespace sluice::http
