// sluice pins …: the pinned definitions of tools, and agreeing to one that changed.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include <string>

namespace sluice::cli {

enum class Pins { All, Quarantined };

Async<Answer> list_pins(Gateway* gateway, Pins which, Format format);
// With what is different in a quarantined definition.
Async<Answer> show_pin(Gateway* gateway, std::string server, std::string tool, Format format);
// hash: of the offered definition, as it was shown.
Async<Answer> approve_pin(
    Gateway* gateway, std::string server, std::string tool, std::string hash, Format format
);

}  // namespace sluice::cli
