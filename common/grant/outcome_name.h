// Names of a script's outcomes, as records, run documents and HTTP bodies have them. In the
// namespace of the enumeration, so that name_of(outcome) is found wherever one is.
#pragma once

#include "proto/sluice/codemode/v1/codemode.pb.h"

#include <string>

namespace sluice::codemode::v1 {

// "ok", "type_error", "approval_required", ...: the constant without its prefix, in small letters.
// "unknown" for a value that is none.
[[nodiscard]] std::string name_of(Outcome outcome);

}  // namespace sluice::codemode::v1
