#include "common/http/internal/response_head.h"

#include "common/http/internal/text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <span>

namespace sluice::http {
namespace {

constexpr std::array<std::string_view, 6> kOwnFields{
    "content-length", "transfer-encoding", "connection", "date", "x-request-id", "keep-alive"
};

bool is_own(std::string_view name) {
  return std::any_of(kOwnFields.begin(), kOwnFields.end(), [name](std::string_view own) {
    return equals_ignoring_case(name, own);
  });
}

void append_value(std::string& out, std::string_view value) {
  const std::size_t begin = out.size();
  out.append(value);
  for (char& c : std::span(out).subspan(begin)) {
    c = static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  }
}

}  // namespace

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string format_head(int status, const Headers& headers, const HeadFields& fields) {
  std::string out;
  out.reserve(256 + headers.fields().size() * 48);
  out.append("HTTP/1.1 ").append(std::to_string(status)).push_back(' ');
  out.append(reason_of(status)).append("\r\n");
  for (const auto& [name, value] : headers.fields()) {
    if (is_token(name) && !is_own(name)) {
      out.append(name).append(": ");
      append_value(out, value);
      out.append("\r\n");
    }
  }
  out.append("x-request-id: ")
      .append(fields.request_id)
      .append("\r\ndate: ")
      .append(fields.date)
      .append("\r\n");
  if (!fields.content_length.has_value()) {
    out.append("transfer-encoding: chunked\r\n");
  } else if (status != 204 && status != 304) {
    out.append("content-length: ").append(std::to_string(*fields.content_length)).append("\r\n");
  }
  if (!fields.keep_alive) {
    out.append("connection: close\r\n");
  }
  out.append("\r\n");
  return out;
}

std::string_view DateField::at(std::int64_t unix_ms) {
  const std::int64_t second = unix_ms / 1000;
  if (second == second_) {
    return text_;
  }
  second_ = second;
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
  };
  const std::time_t time = second;
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 64> buffer{};
  const int size = std::snprintf(  // NOLINT: the format has no other short form
      buffer.data(),
      buffer.size(),
      "%s, %02d %s %04d %02d:%02d:%02d GMT",
      kDays.at(static_cast<std::size_t>(utc.tm_wday)),
      utc.tm_mday,
      kMonths.at(static_cast<std::size_t>(utc.tm_mon)),
      utc.tm_year + 1900,
      utc.tm_hour,
      utc.tm_min,
      utc.tm_sec
  );
  text_.assign(buffer.data(), static_cast<std::size_t>(size));
  return text_;
}

}  // namespace sluice::http
