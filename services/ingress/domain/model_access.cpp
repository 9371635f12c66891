#include "services/ingress/domain/model_access.h"

#include "services/ingress/domain/header_list.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kModelsHeader = "x-sluice-include-models";

// Provider names hold no slash; names of models may.
bool names(std::string_view entry, std::string_view model) {
  const bool whole_provider = entry.ends_with("/*") && entry.find('/') == entry.size() - 2;
  return entry == "*" || entry == model ||
         (whole_provider && model.starts_with(entry.substr(0, entry.size() - 1)));
}

bool passes(const std::optional<std::vector<std::string>>& list, std::string_view model) {
  return !list || std::any_of(list->begin(), list->end(), [model](const std::string& entry) {
    return names(entry, model);
  });
}

}  // namespace

Result<ModelAccess> ModelAccess::of(const Caller& caller, const http::Headers& headers) {
  ModelAccess access;
  if (caller.claims.models_restricted()) {
    const auto& models = caller.claims.models();
    access.key_.emplace(models.begin(), models.end());
  }
  SLUICE_TRY(access.request_, header_list(headers, kModelsHeader));
  return access;
}

bool ModelAccess::allows(std::string_view model) const {
  return passes(key_, model) && passes(request_, model);
}

Result<void> ModelAccess::check(std::string_view model) const {
  if (!passes(key_, model)) {
    return Error(
        Code::Denied,
        "your key does not reach the model \"" + std::string(model) +
            "\"; GET /v1/models lists those it reaches, ask the operator for others"
    );
  }
  if (!passes(request_, model)) {
    return Error(
        Code::Denied,
        "header " + std::string(kModelsHeader) + " of this request leaves out the model \"" +
            std::string(model) + "\"; name it there, or ask one that it names"
    );
  }
  return {};
}

CallerPtr ModelAccess::applied_to(CallerPtr caller) const {
  if (!request_) {
    return caller;
  }
  auto narrowed = std::make_shared<Caller>(*caller);
  narrowed->claims.set_models_restricted(true);
  narrowed->claims.clear_models();
  // Of two lists that name models and whole providers, what both name is what either names within
  // the other.
  for (const std::string& entry : *request_) {
    if (passes(key_, entry)) {
      narrowed->claims.add_models(entry);
    }
  }
  for (const std::string& entry : key_ ? *key_ : std::vector<std::string>()) {
    if (passes(request_, entry)) {
      narrowed->claims.add_models(entry);
    }
  }
  return narrowed;
}

}  // namespace sluice::ingress
