// The public keys a service trusts, as they are in its secret directory now.
#pragma once

#include "common/grant/grant.h"
#include "common/service/runtime.h"

#include <memory>
#include <string>

namespace sluice::service {

// The keys of that folder of the service's secrets. The ring changes with the folder as long as the
// process runs (common/grant/key_folder.h); who uses it asks it anew for each statement. Errors: as
// KeyRing::load.
[[nodiscard]] Result<std::shared_ptr<const grant::KeyRing>> trusted_keys(
    const Runtime& runtime, const std::string& folder
);

}  // namespace sluice::service
