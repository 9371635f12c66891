// Follows something that may change, by looking at it again and again.
#pragma once

#include "common/async/clock.h"
#include "common/observability/log.h"

#include <functional>
#include <string>

namespace sluice::grant {

// Looks at once and then at every interval. A look that fails is told as that event, and the ones
// that fail after it are not, until one succeeds. Ends with Cancelled only. clock and log outlive
// it, as does what look refers to.
[[nodiscard]] Async<void> keep_looking(
    async::Clock* clock,
    observability::Log* log,
    std::string event,
    Duration interval,
    std::function<Async<void>()> look
);

}  // namespace sluice::grant
