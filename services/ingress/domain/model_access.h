// ModelAccess: which models one request may use: those of the caller's key and, where it says so,
// of its header x-sluice-include-models, which only ever takes away.
#pragma once

#include "services/ingress/domain/authn.h"

#include "common/base/result.h"
#include "common/http/message.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

class ModelAccess {
 public:
  // Lists hold "<provider>/<model>", "<provider>/*" or "*"; an empty one names none. In the header
  // they are separated by commas. Errors: Invalid (the header twice, too many or too long entries).
  [[nodiscard]] static Result<ModelAccess> of(const Caller& caller, const http::Headers& headers);

  [[nodiscard]] bool allows(std::string_view model) const;
  // Errors: Denied, with what to do.
  [[nodiscard]] Result<void> check(std::string_view model) const;
  // The caller with these models as those of its key, for who does not see the headers.
  [[nodiscard]] CallerPtr applied_to(CallerPtr caller) const;

 private:
  using List = std::optional<std::vector<std::string>>;  // nullopt: every model

  List key_;
  List request_;
};

}  // namespace sluice::ingress
