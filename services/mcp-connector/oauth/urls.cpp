#include "services/mcp-connector/oauth/urls.h"

#include "services/mcp-connector/oauth/limits.h"

#include <algorithm>

namespace sluice::mcp_connector::oauth {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string_view without_slash(std::string_view path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  const bool is_plain =
      text.size() <= kUrlBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
        return c > 0x20 && c < 0x7f && c != '\\' && c != '#' && c != '"' && c != '<' && c != '>';
      });
  const std::size_t scheme_end = text.find("://");
  if (!is_plain || scheme_end == std::string_view::npos) {
    return std::nullopt;
  }
  Url url;
  url.scheme = lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") {
    return std::nullopt;
  }
  text.remove_prefix(scheme_end + 3);
  const std::size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  url.authority = lower(text.substr(0, authority_end));
  if (url.authority.empty() || url.authority.front() == ':' ||
      url.authority.find('@') != std::string::npos) {
    return std::nullopt;
  }
  const std::string_view default_port = url.scheme == "https" ? ":443" : ":80";
  if (url.authority.ends_with(default_port)) {
    url.authority.resize(url.authority.size() - default_port.size());
  }
  text.remove_prefix(authority_end);
  const std::size_t query = text.find('?');
  url.path = text.substr(0, query);
  url.query = query == std::string_view::npos ? "" : text.substr(query + 1);
  return url;
}

bool covers(std::string_view resource, std::string_view server_url) {
  const auto wide = parse_url(resource);
  const auto narrow = parse_url(server_url);
  if (!wide || !narrow || wide->origin() != narrow->origin()) {
    return false;
  }
  if (!wide->query.empty() && wide->query != narrow->query) {
    return false;
  }
  const std::string_view above = without_slash(wide->path);
  const std::string_view below = without_slash(narrow->path);
  return below == above || (below.starts_with(above) && below[above.size()] == '/');
}

bool is_loopback(const Url& url) {
  const std::string_view host = std::string_view(url.authority).substr(0, url.authority.rfind(':'));
  return host == "localhost" || url.authority == "[::1]" || host == "[::1]" ||
         host.starts_with("127.");
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4U]);
      out.push_back(kDigits[byte & 15U]);
    }
  }
  return out;
}

std::string form(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    out.append(out.empty() ? "" : "&").append(name).append("=").append(percent_encoded(value));
  }
  return out;
}

std::string with_parameters(std::string url, const Parameters& parameters) {
  url.push_back(url.find('?') == std::string::npos ? '?' : '&');
  return url.append(form(parameters));
}

}  // namespace sluice::mcp_connector::oauth
