#include "common/bus/bus.h"

#include "common/bus/callee.h"
#include "common/bus/caller.h"

namespace sluice::bus {

class Bus::Core {
 public:
  explicit Core(Deps deps)
      : wire(std::move(deps)),
        timeouts(wire.deps().clock),
        caller(std::make_shared<Caller>(&wire, &timeouts)),
        callee(&wire, &timeouts),
        alive(std::make_shared<Core*>(this)) {}

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  Core(Core&&) = delete;
  Core& operator=(Core&&) = delete;

  ~Core() { wire.deps().transport->on_connection({}); }

  Wire wire;
  Timeouts timeouts;
  std::shared_ptr<Caller> caller;
  Callee callee;
  std::shared_ptr<Core*> alive;
};

Bus::Bus(Deps deps) : core_(std::make_shared<Core>(std::move(deps))) {
  SLUICE_CHECK(
      is_token(core_->wire.deps().instance), "an instance is a token of letters, digits, - and _"
  );
}

Bus::~Bus() = default;

Async<void> Bus::start() {
  core_->wire.deps().transport->on_connection([weak = std::weak_ptr<Core*>(core_->alive
                                               )](bool connected) {
    const auto core = weak.lock();
    if (core != nullptr && !connected) {
      (*core)->caller->connection_lost();
    }
  });
  co_return Result<void>();
}

Async<void> Bus::drain(TimePoint deadline) {
  return core_->callee.drain(deadline);
}

std::size_t Bus::in_flight() const {
  return core_->callee.in_flight() + core_->caller->in_flight();
}

bool Bus::connected() const {
  return core_->wire.deps().transport->connected();
}

std::string Bus::subject_of(
    std::string_view prefix, std::string_view key, std::string_view suffix
) {
  std::string subject(prefix);
  subject += key;
  subject += suffix;
  return subject;
}

Async<std::string> Bus::call_raw(Target target, std::string payload, RequestContext context) {
  return core_->caller->call(std::move(target), std::move(payload), std::move(context));
}

Async<std::unique_ptr<RawStream>> Bus::open_raw(
    Target target, std::string payload, RequestContext context
) {
  return core_->caller->open(std::move(target), std::move(payload), std::move(context));
}

Result<void> Bus::publish_raw(std::string_view subject, std::string payload) {
  auto& envelope = core_->wire.fresh_envelope(common::v1::KIND_EVENT, core_->wire.make_id());
  return core_->wire.send(subject, "", envelope, payload);
}

Result<std::unique_ptr<Subscription>> Bus::listen_raw(
    std::string_view subject, std::function<void(std::string_view)> handler
) {
  return core_->wire.deps().transport->subscribe(
      std::string(subject),
      "",
      [weak = std::weak_ptr<Core*>(core_->alive),
       handler = std::move(handler)](const Delivery& delivery) {
        const auto core = weak.lock();
        if (core == nullptr) {
          return;
        }
        Wire& wire = (*core)->wire;
        const auto frame = wire.receive(delivery);
        if (!frame || frame->envelope.kind() != common::v1::KIND_EVENT) {
          return;
        }
        try {
          handler(frame->payload);
        } catch (const std::exception& exception) {
          static_cast<void>(wire.uncaught(delivery.subject, exception.what()));
        }
      }
  );
}

Result<void> Bus::serve_raw(
    std::string subject, std::string queue, std::chrono::milliseconds timeout, RawHandler handler
) {
  return core_->callee.serve({std::move(subject), timeout, std::move(handler)}, std::move(queue));
}

Result<void> Bus::serve_stream_raw(
    std::string subject,
    std::string queue,
    std::chrono::milliseconds timeout,
    RawStreamHandler handler
) {
  return core_->callee.serve({std::move(subject), timeout, std::move(handler)}, std::move(queue));
}

Result<std::unique_ptr<Registration>> Bus::serve_key_raw(
    std::string subject, std::string queue, std::chrono::milliseconds timeout, RawHandler handler
) {
  return core_->callee.serve_key(
      {std::move(subject), timeout, std::move(handler)}, std::move(queue)
  );
}

Result<std::unique_ptr<Registration>> Bus::serve_key_stream_raw(
    std::string subject,
    std::string queue,
    std::chrono::milliseconds timeout,
    RawStreamHandler handler
) {
  return core_->callee.serve_key(
      {std::move(subject), timeout, std::move(handler)}, std::move(queue)
  );
}

}  // namespace sluice::bus
