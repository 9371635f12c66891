// URLs as OAuth needs them: their parts, well-known places, what a resource identifier covers, and
// parameters. Which addresses are connected to is the HTTP client's to judge.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mcp_connector::oauth {

struct Url {
  std::string scheme;     // "http" or "https"
  std::string authority;  // lower case, without the scheme's default port
  std::string path;       // as written; empty or begins with '/'
  std::string query;      // as written, without '?'

  [[nodiscard]] std::string origin() const { return scheme + "://" + authority; }
};

// nullopt: no http:// or https:// URL with a host, or one with user information, a fragment, or
// characters that must not stand in one.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

// Whether a token for that resource is one for this server: the same origin, and the same path or
// one above it (RFC 9728 section 3.3; MCP lets a server name a less specific identifier).
[[nodiscard]] bool covers(std::string_view resource, std::string_view server_url);

// Whether the host is this machine itself: "localhost", 127.x.y.z or [::1].
[[nodiscard]] bool is_loopback(const Url& url);

using Parameters = std::vector<std::pair<std::string, std::string>>;

// application/x-www-form-urlencoded.
[[nodiscard]] std::string form(const Parameters& parameters);
[[nodiscard]] std::string percent_encoded(std::string_view text);
// Added to what the URL has.
[[nodiscard]] std::string with_parameters(std::string url, const Parameters& parameters);

}  // namespace sluice::mcp_connector::oauth
