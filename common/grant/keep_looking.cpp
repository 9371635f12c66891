#include "common/grant/keep_looking.h"

#include "common/async/deadline.h"

namespace sluice::grant {

Async<void> keep_looking(
    async::Clock* clock,
    observability::Log* log,
    std::string event,
    Duration interval,
    std::function<Async<void>()> look
) {
  bool failing = false;
  while (true) {
    const auto looked = co_await look();
    if (!looked.ok()) {
      if (looked.error().code() == Code::Cancelled) {
        co_return looked;
      }
      if (!failing) {
        log->error(event, {{"error", looked.error().to_log()}});
      }
    }
    failing = !looked.ok();
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock, interval));
  }
}

}  // namespace sluice::grant
