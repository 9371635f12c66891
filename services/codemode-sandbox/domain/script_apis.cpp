#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/script_api.h"

#include "common/crypto/sha256.h"

#include <algorithm>

namespace sluice::codemode_sandbox {
namespace {

std::string key_of(
    const policy::v1::VisibleReply& visible, const connector::v1::CatalogReply& catalog
) {
  crypto::Sha256 digest;
  digest.field(catalog.version());
  for (const auto& tool : visible.tools()) {
    if (tool.code_mode()) {
      digest.field(tool.SerializeAsString());
    }
  }
  return digest.finish();
}

}  // namespace

Async<ScriptApiPtr> ScriptApis::of(policy::v1::ToolFilter filter, RequestContext context) {
  policy::v1::VisibleRequest request;
  *request.mutable_filter() = std::move(filter);
  if (catalog_ != nullptr) {
    request.set_catalog_version(catalog_->version());
  }
  SLUICE_CO_TRY(
      const policy::v1::VisibleReply visible,
      co_await deps_.policy->visible(std::move(request), context)
  );
  SLUICE_CO_TRY(
      const CatalogPtr definitions, co_await catalog(visible.catalog_version(), std::move(context))
  );
  std::string key = key_of(visible, *definitions);
  ScriptApiPtr api = find(key);
  if (api == nullptr) {
    api = std::make_shared<const ScriptApi>(*definitions, visible, deps_.binding);
    ++written_;
    keep(std::move(key), api);
  }
  co_return api;
}

// Of this version where possible: definitions are compared by their hashes anyway.
Async<ScriptApis::CatalogPtr> ScriptApis::catalog(std::string version, RequestContext context) {
  const CatalogPtr known = catalog_;
  if (known != nullptr && known->version() == version) {
    co_return known;
  }
  connector::v1::CatalogRequest request;
  if (known != nullptr) {
    request.set_known_version(known->version());
  }
  SLUICE_CO_TRY(
      connector::v1::CatalogReply reply,
      co_await deps_.servers->catalog(std::move(request), std::move(context))
  );
  if (known != nullptr && known->version() == reply.version()) {
    co_return known;
  }
  auto fetched = std::make_shared<const connector::v1::CatalogReply>(std::move(reply));
  catalog_ = fetched;
  co_return fetched;
}

ScriptApiPtr ScriptApis::find(const std::string& key) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&key](const Kept& one) {
    return one.first == key;
  });
  if (found == kept_.end()) {
    return nullptr;
  }
  kept_.splice(kept_.begin(), kept_, found);
  return found->second;
}

void ScriptApis::keep(std::string key, ScriptApiPtr api) {
  kept_bytes_ += api->bytes();
  kept_.emplace_front(std::move(key), std::move(api));
  while (kept_.size() > kScriptApisMax || (kept_.size() > 1 && kept_bytes_ > kScriptApisBytesMax)) {
    kept_bytes_ -= kept_.back().second->bytes();
    kept_.pop_back();
  }
}

}  // namespace sluice::codemode_sandbox
