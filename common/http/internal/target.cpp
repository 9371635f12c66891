#include "common/http/internal/target.h"

#include "common/base/bytes.h"

namespace sluice::http {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_unreserved(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 section 3.3: what may stand in a path unencoded. ";" is left out: path parameters have
// no meaning here.
bool is_path_char(char c) {
  return is_unreserved(c) || std::string_view("!$&'()*+,=:@/").find(c) != std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

Error not_canonical(std::string_view why) {
  return {Code::Invalid, "the request path is refused: " + std::string(why)};
}

// Whether an encoded byte is the only way to write it.
bool must_be_encoded(char decoded) {
  const auto byte = static_cast<unsigned char>(decoded);
  return byte >= 0x20 && byte != 0x7f && !is_path_char(decoded) && decoded != '\\' &&
         decoded != '%' && decoded != ';';
}

Result<void> check_segments(std::string_view path) {
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t slash = path.find('/', begin);
    const std::string_view segment = path.substr(
        begin, slash == std::string_view::npos ? std::string_view::npos : slash - begin
    );
    const bool last = slash == std::string_view::npos;
    if (segment.empty() && !last) {
      return not_canonical("write one slash, not two");
    }
    if (segment == "." || segment == "..") {
      return not_canonical("it has a '.' or '..' segment; send the resolved path");
    }
    if (last) {
      break;
    }
    begin = slash + 1;
  }
  return {};
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const bool whole = i + 2 < text.size();
    const int high = whole ? hex_digit(text[i + 1]) : -1;
    const int low = whole ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Error(Code::Invalid, "'%' must be followed by two hexadecimal digits");
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

Result<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/') {
    return Error(
        Code::Invalid,
        "the request target must be a path that starts with '/'; name the host in Host only"
    );
  }
  Target out;
  const auto mark = target.find('?');
  out.path = target.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  bool encoded = false;
  for (std::size_t i = 0; i < out.path.size(); ++i) {
    const char c = out.path[i];
    if (c == '%') {
      encoded = true;
      SLUICE_TRY(const std::string decoded, percent_decode(out.path.substr(i, 3)));
      if (!must_be_encoded(decoded.front())) {
        return not_canonical("an encoded character has a plain spelling or is not allowed");
      }
      i += 2;
    } else if (!is_path_char(c)) {
      return not_canonical("a character must be percent-encoded or is not allowed");
    }
  }
  for (const char c : out.query) {
    if (c <= ' ' || c > '~' || c == '#') {
      return Error(Code::Invalid, "the query has a character that must be percent-encoded");
    }
  }
  SLUICE_CHECK_OK(check_segments(out.path));
  if (encoded) {
    SLUICE_TRY(const std::string decoded, percent_decode(out.path));
    if (!is_utf8(decoded)) {
      return not_canonical("it is not UTF-8");
    }
  }
  return out;
}

}  // namespace sluice::http
