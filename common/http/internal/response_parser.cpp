#include "common/http/internal/response_parser.h"

#include "common/http/internal/text.h"

#include <charconv>
#include <utility>

#include <llhttp.h>

namespace sluice::http {

struct ResponseParser::Body {
  Body(ResponseLimits l, Expect e) : limits(l), expect(e) {
    llhttp_init(&parser, HTTP_RESPONSE, &settings());
    parser.data = this;
  }

  static Body& of(llhttp_t* parser) { return *static_cast<Body*>(parser->data); }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = make_settings();
    return table;
  }

  static llhttp_settings_t make_settings();
  int on_field(std::string_view bytes);
  int count(std::size_t bytes);
  int on_headers_complete();
  int on_message_complete();

  ResponseLimits limits;
  Expect expect;
  llhttp_t parser{};
  Headers headers;
  std::string body;
  std::size_t head_bytes = 0;
  int status = 0;
  bool too_large = false;
  bool new_field = true;
  bool interim = false;
  bool head_done = false;
  bool done = false;
  bool keep_alive = false;
};

llhttp_settings_t ResponseParser::Body::make_settings() {
  llhttp_settings_t table;
  llhttp_settings_init(&table);
  table.on_status = [](llhttp_t* p, const char*, std::size_t size) { return of(p).count(size); };
  table.on_header_field = [](llhttp_t* p, const char* at, std::size_t size) {
    return of(p).on_field({at, size});
  };
  table.on_header_value = [](llhttp_t* p, const char* at, std::size_t size) {
    Body& self = of(p);
    if (!self.head_done) {
      self.headers.fields().back().second.append(at, size);
    }
    return self.count(size);
  };
  table.on_header_field_complete = [](llhttp_t* p) {
    of(p).new_field = true;
    return 0;
  };
  table.on_headers_complete = [](llhttp_t* p) { return of(p).on_headers_complete(); };
  table.on_body = [](llhttp_t* p, const char* at, std::size_t size) {
    of(p).body.append(at, size);
    return 0;
  };
  table.on_message_complete = [](llhttp_t* p) { return of(p).on_message_complete(); };
  return table;
}

int ResponseParser::Body::count(std::size_t bytes) {
  head_bytes += bytes;
  if (head_bytes > limits.header_bytes_max) {
    too_large = true;
    return HPE_USER;
  }
  return 0;
}

int ResponseParser::Body::on_field(std::string_view bytes) {
  if (!head_done) {  // trailer fields are dropped
    if (new_field) {
      if (headers.fields().size() >= limits.headers_max) {
        too_large = true;
        return HPE_USER;
      }
      headers.fields().emplace_back();
      new_field = false;
    }
    headers.fields().back().first.append(bytes);
  }
  return count(bytes.size());
}

int ResponseParser::Body::on_headers_complete() {
  status = parser.status_code;
  interim = status >= 100 && status < 200 && status != 101;
  if (interim) {
    headers = Headers();
    return 1;  // no body, on to the next response
  }
  for (auto& [name, value] : headers.fields()) {
    if (const auto trimmed = trim(value); trimmed.size() != value.size()) {
      value = std::string(trimmed);
    }
  }
  head_done = true;
  keep_alive = llhttp_should_keep_alive(&parser) != 0;
  const bool bodiless = expect == Expect::HeadOnly || status == 204 || status == 304;
  return bodiless ? 1 : 0;
}

int ResponseParser::Body::on_message_complete() {
  if (interim) {
    return 0;
  }
  done = true;
  return HPE_PAUSED;
}

ResponseParser::ResponseParser(ResponseLimits limits, Expect expect)
    : body_(std::make_unique<Body>(limits, expect)) {}

ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::feed(std::string_view bytes) {
  if (bytes.empty() || body_->done) {
    return std::size_t{0};
  }
  const llhttp_errno_t error = llhttp_execute(&body_->parser, bytes.data(), bytes.size());
  if (error == HPE_OK) {
    return bytes.size();
  }
  if (error == HPE_PAUSED && body_->done) {
    return static_cast<std::size_t>(llhttp_get_error_pos(&body_->parser) - bytes.data());
  }
  if (body_->too_large) {
    return Error(Code::Exhausted, "the server's response head is larger than the limit");
  }
  return Error(Code::Unavailable, "the server sent a malformed response")
      .with_detail(llhttp_errno_name(error));
}

Result<void> ResponseParser::finish() {
  if (body_->done) {
    return {};
  }
  if (!body_->head_done || llhttp_message_needs_eof(&body_->parser) == 0) {
    return Error(
        Code::Unavailable, "the server closed the connection before its response was complete"
    );
  }
  body_->done = true;
  body_->keep_alive = false;
  return {};
}

bool ResponseParser::head_done() const {
  return body_->head_done;
}

bool ResponseParser::done() const {
  return body_->done;
}

bool ResponseParser::keep_alive() const {
  return body_->keep_alive;
}

int ResponseParser::status() const {
  return body_->status;
}

Headers ResponseParser::take_headers() {
  return std::move(body_->headers);
}

std::optional<std::uint64_t> ResponseParser::content_length() const {
  const std::string_view text = body_->headers.get("content-length");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string ResponseParser::take_body() {
  return std::exchange(body_->body, {});
}

std::string& ResponseParser::body() {
  return body_->body;
}

}  // namespace sluice::http
