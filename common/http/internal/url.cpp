#include "common/http/internal/url.h"

#include "common/http/internal/text.h"

#include <algorithm>
#include <charconv>

namespace sluice::http {
namespace {

Error invalid(std::string_view why) {
  return {Code::Invalid, "the URL is not usable: " + std::string(why)};
}

bool is_host_char(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_';
}

Result<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return invalid("its port is not a number from 1 to 65535");
  }
  return port;
}

Result<void> parse_authority(std::string_view authority, Url& url) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) {
      return invalid("its IPv6 address has no closing bracket");
    }
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    const bool plain =
        std::all_of(host.begin(), host.end(), [](char c) { return is_host_char(c) || c == ':'; });
    if (host.empty() || !plain || (!port.empty() && port.front() != ':')) {
      return invalid("its host is malformed");
    }
  } else {
    const auto colon = authority.find(':');
    host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_char)) {
      return invalid("its host is malformed; user names in URLs are not accepted");
    }
  }
  url.host = host;
  url.port = url.tls ? 443 : 80;
  if (!port.empty()) {
    SLUICE_TRY(url.port, parse_port(port.substr(1)));
  }
  url.authority = authority;
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return invalid("it must start with http:// or https://");
  }
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!printable) {
    return invalid("it has a space, a control character or a fragment");
  }
  const auto end = text.find_first_of("/?");
  SLUICE_CHECK_OK(parse_authority(text.substr(0, end), url));
  url.target = end == std::string_view::npos ? "/" : std::string(text.substr(end));
  if (url.target.front() == '?') {
    url.target.insert(0, "/");
  }
  return url;
}

}  // namespace sluice::http
