// The bytes of a response's head.
#pragma once

#include "common/http/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct HeadFields {
  std::string_view date;  // IMF-fixdate
  std::string_view request_id;
  bool keep_alive = true;
  std::optional<std::size_t> content_length;  // nullopt: chunked
};

// Line breaks and other controls inside a value become spaces. Content-Length, Transfer-Encoding,
// Connection, Date and x-request-id of headers are left out: they are this layer's.
[[nodiscard]] std::string format_head(int status, const Headers& headers, const HeadFields& fields);

[[nodiscard]] std::string_view reason_of(int status);

// The Date field, formatted once a second.
class DateField {
 public:
  [[nodiscard]] std::string_view at(std::int64_t unix_ms);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace sluice::http
