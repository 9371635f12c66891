#include "common/bus/nats_anchor.h"

#include <fcntl.h>
#include <unistd.h>

namespace sluice::bus {

natsStatus NatsLink::Anchor::on_attach(
    void** data, void* loop, natsConnection* connection, natsSock socket
) {
  *data = loop;
  const int own = fcntl(static_cast<int>(socket), F_DUPFD_CLOEXEC, 0);
  if (own < 0) {
    return NATS_SYS_ERROR;
  }
  Anchor& anchor = of(loop);
  const std::uint64_t generation = ++anchor.generation;
  const bool posted = anchor.post([connection, own, generation](NatsLink& link) {
    link.attached(connection, own, generation);
  });
  if (!posted) {
    ::close(own);
  }
  return NATS_OK;
}

natsStatus NatsLink::Anchor::on_read(void* data, bool add) {
  if (!add) {
    Anchor& anchor = of(data);
    anchor.post([generation = anchor.generation.load()](NatsLink& link) {
      link.detached(generation);
    });
  }
  return NATS_OK;
}

natsStatus NatsLink::Anchor::on_write(void* data, bool add) {
  Anchor& anchor = of(data);
  anchor.write_wanted = add;
  if (add && !anchor.write_posted.exchange(true)) {
    anchor.post([](NatsLink& link) {
      link.anchor_->write_posted = false;
      link.write_now();
    });
  }
  return NATS_OK;
}

natsStatus NatsLink::Anchor::on_detach(void* data) {
  return on_read(data, false);
}

void NatsLink::Anchor::on_error(
    natsConnection* connection, natsSubscription* /*subscription*/, natsStatus status, void* closure
) {
  const char* text = nullptr;
  if (const char* own = nats_GetLastError(nullptr); own != nullptr && own[0] != '\0') {
    text = own;
  } else if (natsConnection_GetLastError(connection, &text) == NATS_OK || text == nullptr) {
    text = natsStatus_GetText(status);
  }
  of(closure).post([text = std::string(text),
                    violation = status == NATS_NOT_PERMITTED](NatsLink& link) {
    link.notice_error(text, violation);
  });
}

void NatsLink::Anchor::on_disconnected(natsConnection* /*connection*/, void* closure) {
  of(closure).post([](NatsLink& link) { link.notice_connection(false); });
}

void NatsLink::Anchor::on_reconnected(natsConnection* /*connection*/, void* closure) {
  of(closure).post([](NatsLink& link) { link.notice_connection(true); });
}

// The last callback of a connection.
void NatsLink::Anchor::on_closed(natsConnection* /*connection*/, void* closure) {
  const std::unique_ptr<std::shared_ptr<Anchor>> anchor(
      static_cast<std::shared_ptr<Anchor>*>(closure)
  );
  (*anchor)->post([](NatsLink& link) {
    if (!link.closed_) {
      link.notice_error("nats.c gave up the connection; restart this service", false);
      link.notice_connection(false);
    }
  });
}

}  // namespace sluice::bus
