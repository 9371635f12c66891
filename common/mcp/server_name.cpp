#include "common/mcp/server_name.h"

namespace sluice::mcp {
namespace {

constexpr std::size_t kNameBytesMax = 32;

std::string sanitized(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += fits ? c : '_';
  }
  if (!out.empty() && out.front() >= '0' && out.front() <= '9') {
    out.insert(out.begin(), '_');
  }
  return out.substr(0, kNameBytesMax);
}

}  // namespace

std::string derived_server_name(const ServerConnection& connection) {
  if (!connection.is_stdio) {
    const auto scheme = connection.address.find("://");
    const std::string_view host = scheme == std::string_view::npos
                                      ? connection.address
                                      : connection.address.substr(scheme + 3);
    return sanitized(host.substr(0, host.find_first_of("/:?")));
  }
  std::string_view package = connection.package;
  if (const auto slash = package.rfind('/'); slash != std::string_view::npos) {
    package.remove_prefix(slash + 1);
  }
  package = package.substr(0, package.find('@'));
  for (const std::string_view prefix : {"mcp-server-", "server-", "mcp-"}) {
    if (package.starts_with(prefix) && package.size() > prefix.size()) {
      package.remove_prefix(prefix.size());
      break;
    }
  }
  return sanitized(package);
}

}  // namespace sluice::mcp
