#include "common/http/internal/request_parser.h"

#include "common/http/internal/head_scan.h"
#include "common/http/internal/target.h"
#include "common/http/internal/text.h"
#include "common/json/scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <llhttp.h>

namespace sluice::http {
namespace {

constexpr std::size_t kBodyReserveMax = 256 << 10;  // larger bodies grow as their bytes come

// Fields whose second occurrence makes two readers disagree, or is an attack on one of them
//.
constexpr std::array<std::string_view, 8> kSingleFields{
    "host",
    "content-length",
    "content-type",
    "authorization",
    "x-api-key",
    "expect",
    "origin",
    "content-encoding"
};

Refusal bad(std::string message) {
  return {400, std::move(message)};
}

constexpr ByteSet kHostBytes("-._:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
);

bool is_host(std::string_view host) {
  return !host.empty() && kHostBytes.has_all(host);
}

std::optional<std::uint64_t> parse_length(std::string_view digits) {
  constexpr std::size_t kDigitsMax = 18;
  if (digits.empty() || digits.size() > kDigitsMax ||
      (digits.size() > 1 && digits.front() == '0')) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

struct RequestParser::Body {
  explicit Body(RequestLimits l) : limits(l), scan({l.header_bytes_max, l.target_bytes_max}) {
    start();
  }

  void start() {
    llhttp_init(&parser, HTTP_REQUEST, &settings());
    parser.data = this;
    scan.reset();
    request = HttpRequest();
    request.headers.fields().reserve(16);
    refusal.reset();
    length = 0;
    body_max = 0;
    chunked = keep_alive = expects_continue = head_done = done = false;
    new_field = true;
  }

  static Body& of(llhttp_t* parser) { return *static_cast<Body*>(parser->data); }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = make_settings();
    return table;
  }

  static llhttp_settings_t make_settings();

  int refuse(Refusal why) {
    if (!refusal.has_value()) {
      refusal = std::move(why);
    }
    return HPE_USER;
  }

  int on_header_field(std::string_view bytes);
  std::optional<Refusal> check_head();
  std::optional<Refusal> check_framing();
  std::optional<Refusal> check_fields();
  int on_body(std::string_view bytes);
  Fed feed_head(std::string_view bytes);
  Fed feed_body(std::string_view bytes);
  [[nodiscard]] Refusal failure() const;

  RequestLimits limits;
  HeadScan scan;
  llhttp_t parser{};
  HttpRequest request;
  std::optional<Refusal> refusal;
  std::uint64_t length = 0;
  std::size_t body_max = 0;
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool head_done = false;
  bool done = false;
  bool new_field = true;
};

llhttp_settings_t RequestParser::Body::make_settings() {
  llhttp_settings_t table;
  llhttp_settings_init(&table);
  table.on_url = [](llhttp_t* p, const char* at, std::size_t size) {
    of(p).request.target.append(at, size);
    return 0;
  };
  table.on_header_field = [](llhttp_t* p, const char* at, std::size_t size) {
    return of(p).on_header_field({at, size});
  };
  table.on_header_value = [](llhttp_t* p, const char* at, std::size_t size) {
    of(p).request.headers.fields().back().second.append(at, size);
    return 0;
  };
  table.on_header_field_complete = [](llhttp_t* p) {
    of(p).new_field = true;
    return 0;
  };
  table.on_headers_complete = [](llhttp_t* p) {
    of(p).head_done = true;
    of(p).keep_alive = llhttp_should_keep_alive(p) != 0;
    return 0;
  };
  table.on_chunk_extension_name = [](llhttp_t* p, const char*, std::size_t) {
    return of(p).refuse(
        bad("chunk extensions are not accepted; send plain chunks or a Content-Length")
    );
  };
  table.on_body = [](llhttp_t* p, const char* at, std::size_t size) {
    return of(p).on_body({at, size});
  };
  table.on_message_complete = [](llhttp_t* p) {
    of(p).done = true;
    return static_cast<int>(HPE_PAUSED);
  };
  return table;
}

int RequestParser::Body::on_header_field(std::string_view bytes) {
  if (head_done) {
    return refuse(bad("trailer fields are not accepted; send them as header fields"));
  }
  auto& fields = request.headers.fields();
  if (new_field) {
    if (fields.size() >= limits.headers_max) {
      return refuse({431, "the request has too many header fields; send fewer"});
    }
    fields.emplace_back();
    new_field = false;
  }
  fields.back().first.append(bytes);
  return 0;
}

int RequestParser::Body::on_body(std::string_view bytes) {
  if (request.body.size() + bytes.size() > body_max) {
    return refuse({413, "the request body is larger than this endpoint's limit; send less"});
  }
  request.body.append(bytes);
  return 0;
}

Refusal RequestParser::Body::failure() const {
  switch (llhttp_get_errno(&parser)) {
    case HPE_INVALID_METHOD:
      return bad("the request method is not one of HTTP's; methods are upper-case");
    case HPE_INVALID_VERSION:
      return {505, "this server speaks HTTP/1.1; send \"HTTP/1.1\""};
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
      return bad(
          "the length of the body is in doubt; send one Content-Length or one \"Transfer-Encoding: "
          "chunked\""
      );
    case HPE_INVALID_CHUNK_SIZE:
      return bad("a chunk size is malformed; send it as hexadecimal digits");
    default:
      return bad("the request is not well-formed HTTP/1.1");
  }
}

std::optional<Refusal> RequestParser::Body::check_framing() {
  const std::size_t codings = request.headers.count("transfer-encoding");
  const bool has_length = request.headers.has("content-length");
  if (codings > 0) {
    if (codings > 1 || has_length ||
        !equals_ignoring_case(request.headers.get("transfer-encoding"), "chunked")) {
      return bad(
          "the length of the body is in doubt; send one Content-Length or one \"Transfer-Encoding: "
          "chunked\""
      );
    }
    chunked = true;
  }
  if (has_length) {
    const auto parsed = parse_length(request.headers.get("content-length"));
    if (!parsed.has_value()) {
      return bad("Content-Length must be one plain decimal number");
    }
    length = *parsed;
  }
  return std::nullopt;
}

std::optional<Refusal> RequestParser::Body::check_fields() {
  std::array<bool, kSingleFields.size()> seen{};
  for (const auto& [name, value] : request.headers.fields()) {
    for (std::size_t i = 0; i < kSingleFields.size(); ++i) {
      if (equals_ignoring_case(name, kSingleFields[i]) && std::exchange(seen[i], true)) {
        return bad(
            "the header field \"" + std::string(kSingleFields[i]) + "\" may be sent once only"
        );
      }
    }
  }
  if (!is_host(request.headers.get("host"))) {
    return bad("send exactly one Host field with a host name and an optional port");
  }
  if (request.headers.has("upgrade") || request.headers.has("http2-settings")) {
    return bad("this server speaks HTTP/1.1 without upgrades; leave out Upgrade");
  }
  if (const auto expect = request.headers.get("expect"); !expect.empty()) {
    if (!equals_ignoring_case(expect, "100-continue")) {
      return Refusal{417, "the only expectation this server meets is 100-continue"};
    }
    expects_continue = true;
  }
  const auto encoding = request.headers.get("content-encoding");
  if (!encoding.empty() && !equals_ignoring_case(encoding, "identity")) {
    return Refusal{415, "compressed request bodies are not accepted; leave out Content-Encoding"};
  }
  return std::nullopt;
}

std::optional<Refusal> RequestParser::Body::check_head() {
  for (auto& [name, value] : request.headers.fields()) {
    if (name.empty()) {
      return bad("a header field has no name");
    }
    const std::string_view trimmed = trim(value);
    if (trimmed.size() != value.size()) {
      value = std::string(trimmed);
    }
  }
  if (parser.http_major != 1 || parser.http_minor != 1) {
    return Refusal{
        505, "this server speaks HTTP/1.1; send \"HTTP/1.1\" (nginx: proxy_http_version 1.1)"
    };
  }
  request.method = llhttp_method_name(static_cast<llhttp_method_t>(parser.method));
  constexpr std::array<std::string_view, 7> kMethods{
      "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"
  };
  if (std::find(kMethods.begin(), kMethods.end(), request.method) == kMethods.end()) {
    return Refusal{501, "the method is not implemented here; use GET, POST, PUT, PATCH or DELETE"};
  }
  if (auto why = check_framing()) {
    return why;
  }
  if (auto why = check_fields()) {
    return why;
  }
  const auto target = parse_target(request.target);
  if (!target.ok()) {
    return bad(target.error().message());
  }
  request.path = target.value().path;
  request.query = target.value().query;
  if ((request.method == "GET" || request.method == "HEAD") && (chunked || length > 0)) {
    return bad("a GET or HEAD request has no body here; leave it out");
  }
  return std::nullopt;
}

RequestParser::Fed RequestParser::Body::feed_head(std::string_view bytes) {
  const HeadScan::Outcome seen = scan.feed(bytes);
  if (seen.refusal.has_value()) {
    return {seen.consumed, seen.refusal};
  }
  const std::string_view part = bytes.substr(0, seen.consumed);
  const llhttp_errno_t error = llhttp_execute(&parser, part.data(), part.size());
  if (refusal.has_value()) {
    return {seen.consumed, refusal};
  }
  // A request without a body is complete, and paused, with the last byte of its head.
  const bool fine = error == HPE_OK || (error == HPE_PAUSED && done) ||
                    (error == HPE_PAUSED_UPGRADE && head_done);
  if (scan.is_h2_preface()) {
    return {seen.consumed, Refusal{505, "this server speaks HTTP/1.1, not HTTP/2"}};
  }
  if (!fine) {
    return {seen.consumed, failure()};
  }
  if (head_done != seen.complete) {
    return {seen.consumed, bad("the request is not well-formed HTTP/1.1")};
  }
  if (head_done) {
    if (auto why = check_head()) {
      return {seen.consumed, std::move(why)};
    }
    const std::uint64_t first = std::min<std::uint64_t>(length, kBodyReserveMax);
    request.body.reserve(static_cast<std::size_t>(first) + json::kScanPadding);
    if (!chunked && length == 0 && !done) {
      return {seen.consumed, bad("the request is not well-formed HTTP/1.1")};
    }
  }
  return {seen.consumed, std::nullopt};
}

RequestParser::Fed RequestParser::Body::feed_body(std::string_view bytes) {
  const llhttp_errno_t error = llhttp_execute(&parser, bytes.data(), bytes.size());
  if (refusal.has_value()) {
    return {bytes.size(), refusal};
  }
  if (error == HPE_PAUSED && done) {
    request.body.reserve(request.body.size() + json::kScanPadding);
    return {static_cast<std::size_t>(llhttp_get_error_pos(&parser) - bytes.data()), std::nullopt};
  }
  if (error != HPE_OK) {
    return {bytes.size(), failure()};
  }
  return {bytes.size(), std::nullopt};
}

RequestParser::RequestParser(RequestLimits limits) : body_(std::make_unique<Body>(limits)) {}

RequestParser::~RequestParser() = default;

RequestParser::Fed RequestParser::feed(std::string_view bytes) {
  if (bytes.empty() || body_->done) {
    return {};
  }
  return body_->head_done ? body_->feed_body(bytes) : body_->feed_head(bytes);
}

bool RequestParser::started() const {
  return body_->scan.started();
}

bool RequestParser::head_done() const {
  return body_->head_done;
}

bool RequestParser::done() const {
  return body_->done;
}

const HttpRequest& RequestParser::head() const {
  return body_->request;
}

bool RequestParser::has_body() const {
  return body_->chunked || body_->length > 0;
}

bool RequestParser::chunked() const {
  return body_->chunked;
}

std::uint64_t RequestParser::content_length() const {
  return body_->length;
}

bool RequestParser::keep_alive() const {
  return body_->keep_alive;
}

bool RequestParser::expects_continue() const {
  return body_->expects_continue;
}

void RequestParser::set_body_max(std::size_t bytes) {
  body_->body_max = bytes;
}

HttpRequest RequestParser::take() {
  return std::move(body_->request);
}

void RequestParser::reset() {
  body_->start();
}

}  // namespace sluice::http
