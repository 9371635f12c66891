#include "services/ingress/domain/protected_resource.h"

#include "services/ingress/domain/virtual_servers.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kMetadata = "/.well-known/oauth-protected-resource";

json::Value list_of(const std::vector<std::string>& texts) {
  json::Array items;
  for (const std::string& text : texts) {
    items.emplace_back(text);
  }
  return items;
}

void add_parameter(std::string* header, std::string_view name, std::string_view value) {
  header->append(header->find(' ') == std::string::npos ? " " : ", ");
  header->append(name).append("=\"").append(value).append("\"");
}

}  // namespace

std::string ProtectedResource::metadata(std::string_view name) const {
  json::Object document;
  document.set("resource", uri());
  document.set("authorization_servers", list_of(authorization_servers));
  document.set("scopes_supported", list_of(scopes));
  document.set("bearer_methods_supported", list_of({"header"}));
  if (!name.empty()) {
    document.set("resource_name", name);
  }
  return json::write(json::Value(std::move(document)));
}

std::string metadata_path(std::string_view path) {
  return std::string(kMetadata).append(path);
}

Challenge::Challenge(const ProtectedResource* resource, const http::HttpRequest& request)
    : resource_(resource),
      path_(slug_of(request.path).empty() ? "/mcp" : request.path),
      has_token_(request.headers.has("authorization")) {}

std::string Challenge::header_for(const Error& error) const {
  const bool lacks_scope = error.code() == Code::Denied;
  if (error.code() != Code::Unauthenticated && !lacks_scope) {
    return {};
  }
  std::string header = "Bearer";
  if (lacks_scope) {
    add_parameter(&header, "error", "insufficient_scope");
  } else if (has_token_) {
    add_parameter(&header, "error", "invalid_token");
  }
  if (resource_ == nullptr || !resource_->is_configured()) {
    return header;
  }
  add_parameter(&header, "resource_metadata", resource_->public_url + metadata_path(path_));
  add_parameter(&header, "scope", resource_->needed_scope);
  return header;
}

}  // namespace sluice::ingress
