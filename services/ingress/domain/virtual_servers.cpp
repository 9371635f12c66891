#include "services/ingress/domain/virtual_servers.h"

#include "services/ingress/limits.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

constexpr std::string_view kPrefix = "/mcp/";

}  // namespace

bool is_slug(std::string_view text) {
  return !text.empty() && text.size() <= kSlugBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string path_of(const VirtualServer& server) {
  return std::string(kPrefix) + server.slug;
}

std::string_view slug_of(std::string_view path) {
  const std::string_view slug =
      path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : std::string_view();
  return is_slug(slug) ? slug : std::string_view();
}

void narrow_to(const VirtualServer& server, http::Headers* headers) {
  const auto asked = Narrowing::parse(*headers);
  if (asked.ok()) {
    asked.value().within(server.selection).write(headers);
  }
}

}  // namespace sluice::ingress
