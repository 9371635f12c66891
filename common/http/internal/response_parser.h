// One HTTP/1.1 response out of bytes, sans-I/O (llhttp). Used by the client and by the fuzzer.
#pragma once

#include "common/base/result.h"
#include "common/http/message.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct ResponseLimits {
  std::size_t header_bytes_max = 64 << 10;  // of all heads, interim responses included
  std::size_t headers_max = 200;
};

// Whether the request asked for the head of the answer only.
enum class Expect { Body, HeadOnly };

class ResponseParser {
 public:
  ResponseParser(ResponseLimits limits, Expect expect);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;
  ResponseParser(ResponseParser&&) = delete;
  ResponseParser& operator=(ResponseParser&&) = delete;
  ~ResponseParser();

  // Bytes used: all of them unless the response ended before. Body bytes gather until take_body().
  // Errors: Unavailable (malformed), Exhausted (head too large).
  [[nodiscard]] Result<std::size_t> feed(std::string_view bytes);
  // The connection ended. Errors: Unavailable when that cuts the response off.
  [[nodiscard]] Result<void> finish();

  [[nodiscard]] bool head_done() const;  // of the final response
  [[nodiscard]] bool done() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] int status() const;
  [[nodiscard]] Headers take_headers();
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] std::string take_body();
  [[nodiscard]] std::string& body();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sluice::http
