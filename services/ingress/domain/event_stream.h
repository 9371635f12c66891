// A stream of server-sent events that lasts longer than the token it began with.
#pragma once

#include "services/ingress/domain/admission.h"

#include "common/async/channel.h"
#include "common/http/message.h"

#include <functional>
#include <string>

namespace sluice::ingress {

// All outlive the stream.
struct EventStream {
  async::Channel<std::string>* events;  // in the form they are sent
  Admission* admission;
  async::Clock* clock;
  const http::HttpRequest* request;         // carries the credential
  std::function<void(CallerPtr)> on_renew;  // the caller as it is now; may be empty
};

// Sends events until the channel is closed or the caller is not admitted any more: every
// kMcpKeepAlive it is looked at again, and a comment keeps the connection. Errors: those of the
// channel and the writer.
Async<void> send_events(
    const EventStream* stream, http::ResponseWriter* writer, RequestContext context
);

}  // namespace sluice::ingress
