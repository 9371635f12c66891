#include "services/ingress/domain/event_stream.h"

#include "services/ingress/limits.h"

#include "common/async/deadline.h"
#include "common/http/sse.h"

#include <utility>

namespace sluice::ingress {

Async<void> send_events(
    const EventStream* stream, http::ResponseWriter* writer, RequestContext context
) {
  async::Clock* const clock = stream->clock;
  TimePoint looked_at = clock->now();
  while (!stream->events->closed()) {
    auto event =
        co_await async::with_deadline(clock, clock->now() + kMcpKeepAlive, stream->events->pop());
    if (event.ok() && event.value()) {
      SLUICE_CO_CHECK_OK(co_await writer->write(std::move(*event.value())));
    } else if (!event.ok() && event.error().code() != Code::Deadline) {
      co_return std::move(event).error();
    }
    if (clock->now() - looked_at < kMcpKeepAlive) {
      continue;
    }
    looked_at = clock->now();
    context.deadline = looked_at + kManagementTimeout;
    const auto admitted = co_await stream->admission->admit(stream->request, context);
    if (!admitted.ok() && admitted.error().code() != Code::Unavailable) {
      break;  // the key was withdrawn, or the token has expired
    }
    if (admitted.ok() && stream->on_renew) {
      stream->on_renew(admitted.value().caller);
    }
    SLUICE_CO_CHECK_OK(co_await writer->write(std::string(http::kSseKeepAlive)));
  }
  co_return Result<void>();
}

}  // namespace sluice::ingress
