// One HTTP/1.1 request out of bytes, sans-I/O. llhttp reads the grammar; this class adds what
// request smuggling lives on and llhttp lets pass. Used by the server's connections and by the
// fuzzer.
#pragma once

#include "common/http/internal/refusal.h"
#include "common/http/message.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct RequestLimits {
  std::size_t header_bytes_max = 32 << 10;
  std::size_t headers_max = 100;
  std::size_t target_bytes_max = 8 << 10;  // RFC 9112 section 3 asks for at least 8,000 octets
};

// Example: feed until head_done(), look at head(), set_body_max(n), feed until done(), take(),
// reset(). After a refusal the framing is in doubt: answer, close, feed nothing more.
class RequestParser {
 public:
  struct Fed {
    std::size_t consumed = 0;
    std::optional<Refusal> refusal;
  };

  explicit RequestParser(RequestLimits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  RequestParser(RequestParser&&) = delete;
  RequestParser& operator=(RequestParser&&) = delete;
  ~RequestParser();

  // Stops behind the head, and behind the last byte of the request.
  [[nodiscard]] Fed feed(std::string_view bytes);

  [[nodiscard]] bool started() const;  // a byte of the request came
  [[nodiscard]] bool head_done() const;
  [[nodiscard]] bool done() const;

  // From head_done() on.
  [[nodiscard]] const HttpRequest& head() const;
  [[nodiscard]] bool has_body() const;  // chunked, or a Content-Length above 0
  [[nodiscard]] bool chunked() const;
  [[nodiscard]] std::uint64_t content_length() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool expects_continue() const;
  void set_body_max(std::size_t bytes);  // 413 above it; 0 before it is set

  // At done(). The body has spare capacity for json::Scan.
  [[nodiscard]] HttpRequest take();
  // For the next request of the connection.
  void reset();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sluice::http
