// Of auth.jwt what clients are told: who gives tokens for this gateway. policy-engine reads the
// section in full and reports its faults.
#include "services/ingress/config.h"

#include <algorithm>

namespace sluice::ingress {
namespace {

// Scope to roles, as policy-engine reads it.
json::Value scopes_of(config::Section& entry) {
  json::Value scopes = entry.raw("scopes", "scope to the roles it gives; read by policy-engine");
  if (scopes.is_object()) {
    return scopes;
  }
  return json::object(
      {{"sluice:use", json::Array{json::Value("caller")}},
       {"sluice:admin", json::Array{json::Value("caller"), json::Value("admin")}}}
  );
}

bool makes_a_caller(const json::Value& roles) {
  const json::Array* const items = roles.as_array();
  return items != nullptr &&
         std::find(items->begin(), items->end(), json::Value("caller")) != items->end();
}

void add_scopes(const json::Value& scopes, ProtectedResource* resource) {
  std::size_t fewest = 0;
  for (const auto& [scope, roles] : scopes.as_object()->members()) {
    if (std::find(resource->scopes.begin(), resource->scopes.end(), scope) ==
        resource->scopes.end()) {
      resource->scopes.push_back(scope);
    }
    if (!makes_a_caller(roles)) {
      continue;
    }
    const std::size_t count = roles.as_array()->size();
    if (resource->authorization_servers.size() == 1 && (fewest == 0 || count < fewest)) {
      resource->needed_scope = scope;
      fewest = count;
    }
  }
}

}  // namespace

ProtectedResource read_protected_resource(
    config::Document& document, const std::string& public_url
) {
  ProtectedResource resource;
  resource.public_url = public_url;
  while (resource.public_url.ends_with('/')) {
    resource.public_url.pop_back();
  }
  auto auth = document.section("auth");
  auth.leave_rest();
  for (config::Section& entry : auth.children("jwt")) {
    entry.leave_rest();
    const std::string issuer = entry.text(
        "issuer",
        {.fallback = "", .choices = {}, .description = "told to clients; read by policy-engine"}
    );
    const std::string audience = entry.text(
        "audience",
        {.fallback = "", .choices = {}, .description = "of its tokens; read by policy-engine"}
    );
    resource.authorization_servers.push_back(issuer);
    add_scopes(scopes_of(entry), &resource);
    if (!public_url.empty() && audience != resource.uri()) {
      entry.warn(
          "audience",
          "is not " + resource.uri() +
              ", which clients ask tokens for; set both to the same unless the issuer maps them"
      );
    }
    if (public_url.empty()) {
      entry.warn(
          "issuer", "is not told to clients without http.public_url; set it to the gateway's URL"
      );
    }
  }
  return resource;
}

}  // namespace sluice::ingress
