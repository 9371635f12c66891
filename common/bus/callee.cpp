#include "common/bus/callee.h"

#include "common/bus/limits.h"

#include <boost/asio/this_coro.hpp>

#include <array>

namespace sluice::bus {

// One request being answered, and what its handler writes chunks to.
struct Incoming final : Timed, RawChunkWriter {
  Incoming(Callee* callee_in, CorrelationId id_in) : callee(callee_in), id(id_in) {}

  void due(TimePoint now) override { callee->check(this, now); }

  Async<void> write(std::string payload) override {
    return callee->write_chunk(this, std::move(payload));
  }

  [[nodiscard]] bool has_credit() const { return credit_chunks > 0 && credit_bytes > 0; }

  Callee* callee;
  CorrelationId id;
  std::string reply;
  TimePoint deadline;
  TimePoint last_sent;
  TimePoint caller_heard;  // counts from the first heartbeat
  bool streaming = false;
  bool opened = false;
  bool beating = false;
  bool expired = false;
  bool cancelled = false;
  bool running = true;
  std::uint64_t sequence = 0;
  std::int64_t credit_chunks = 0;
  std::int64_t credit_bytes = 0;
  async::OneShot<void>* credit_waiter = nullptr;
  async::TaskGroup::Task task;
};

class Callee::KeyRegistration final : public Registration {
 public:
  KeyRegistration(std::weak_ptr<Callee*> callee, std::unique_ptr<Subscription> subscription)
      : callee_(std::move(callee)), subscription_(std::move(subscription)) {}

  KeyRegistration(const KeyRegistration&) = delete;
  KeyRegistration& operator=(const KeyRegistration&) = delete;
  KeyRegistration(KeyRegistration&&) = delete;
  KeyRegistration& operator=(KeyRegistration&&) = delete;

  ~KeyRegistration() override {
    if (const auto callee = callee_.lock()) {
      (*callee)->keys_.remove(this);
    }
  }

  void stop() { subscription_->stop(); }

  void end() { subscription_.reset(); }

 private:
  std::weak_ptr<Callee*> callee_;
  std::unique_ptr<Subscription> subscription_;
};

Callee::Callee(Wire* wire, Timeouts* timeouts)
    : wire_(wire),
      timeouts_(timeouts),
      tasks_(
          wire->deps().executor,
          [wire](std::string_view name, const Error& error) {
            if (wire->deps().log != nullptr) {
              wire->deps().log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
            }
          }
      ),
      self_(std::make_shared<Callee*>(this)) {}

Callee::~Callee() {
  for (const auto& [id, request] : requests_) {
    timeouts_->remove(request.get());
  }
}

Result<void> Callee::serve(Service service, std::string queue) {
  SLUICE_TRY(auto subscription, subscribe(std::move(service), std::move(queue)));
  served_.push_back(std::move(subscription));
  return {};
}

Result<std::unique_ptr<Registration>> Callee::serve_key(Service service, std::string queue) {
  SLUICE_TRY(auto subscription, subscribe(std::move(service), std::move(queue)));
  auto registration = std::make_unique<KeyRegistration>(self_, std::move(subscription));
  keys_.push_back(registration.get());
  return std::unique_ptr<Registration>(std::move(registration));
}

Result<std::unique_ptr<Subscription>> Callee::subscribe(Service service, std::string queue) {
  const Bus::Deps& deps = wire_->deps();
  if (control_ == nullptr && !owner_token(deps.service).empty()) {
    SLUICE_TRY(
        control_,
        deps.transport->subscribe(
            control_subject(deps.service, deps.instance),
            "",
            [this](const Delivery& delivery) { on_control(delivery); }
        )
    );
  }
  std::string subject = service.subject;
  const auto shared = std::make_shared<const Service>(std::move(service));
  return deps.transport->subscribe(
      std::move(subject),
      std::move(queue),
      [this, shared](const Delivery& delivery) { on_request(shared, delivery); }
  );
}

// "_INBOX.<caller>.<this service>.<instance>.n<lane>" becomes "_INBOX.<caller>.<this
// service>.<instance>.r". Nothing else is answered, so that no caller makes this service publish
// where only it may.
std::optional<std::string> Callee::inbox_of(std::string_view reply) const {
  constexpr std::size_t kTokens = 5;
  std::array<std::string_view, kTokens> tokens;
  std::string_view rest = reply;
  for (std::size_t i = 0; i < kTokens; ++i) {
    const auto dot = rest.find('.');
    tokens[i] = rest.substr(0, dot);
    if ((dot == std::string_view::npos) != (i + 1 == kTokens)) {
      return std::nullopt;
    }
    rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  }
  if (tokens[0] != "_INBOX" || !is_token(tokens[1]) || tokens[2] != wire_->deps().service ||
      !is_token(tokens[3]) || !tokens[4].starts_with('n')) {
    return std::nullopt;
  }
  return std::string(reply.substr(0, reply.size() - tokens[4].size())) + "r";
}

void Callee::on_request(const std::shared_ptr<const Service>& service, const Delivery& delivery) {
  const auto frame = wire_->receive(delivery);
  if (!frame) {
    return;
  }
  const auto id = CorrelationId::parse(frame->envelope.correlation_id());
  auto inbox = inbox_of(delivery.reply);
  if (!id || !inbox || frame->envelope.kind() != common::v1::KIND_REQUEST) {
    wire_->refuse("request");
    return;
  }
  if (requests_.contains(*id)) {
    wire_->refuse("duplicate");
    return;
  }
  const TimePoint now = wire_->now();
  RequestContext context = context_of(frame->envelope, now);
  if (context.deadline <= now) {
    reject(*inbox, *id, Error(Code::Deadline, "no time was left for this request; allow more"));
    return;
  }
  if (requests_.size() >= kRequestsServedMax) {
    reject(*inbox, *id, Error(Code::Exhausted, "the service is at its limit; retry later"));
    return;
  }
  context.deadline = std::min(context.deadline, now + service->timeout);
  const auto request = std::make_shared<Incoming>(this, *id);
  request->reply = std::move(*inbox);
  request->deadline = context.deadline;
  request->last_sent = now;
  request->streaming = std::holds_alternative<RawStreamHandler>(service->handler);
  request->credit_chunks = std::min(frame->envelope.credit_chunks(), kCreditChunksMax);
  request->credit_bytes = std::min(frame->envelope.credit_bytes(), kCreditBytesMax);
  requests_.emplace(*id, request);
  watch(request.get());
  const auto task = tasks_.spawn(
      "request", run(service, request, std::string(frame->payload), std::move(context))
  );
  if (request->running) {
    request->task = task;
  }
}

void Callee::reject(const std::string& inbox, CorrelationId id, const Error& error) {
  auto& envelope = wire_->fresh_envelope(common::v1::KIND_REPLY, id);
  set_error(envelope, error);
  if (!wire_->send(inbox, "", envelope, "").ok()) {
    wire_->refuse("reply_not_sent");
  }
}

Async<void> Callee::run(
    std::shared_ptr<const Service> service,
    std::shared_ptr<Incoming> request,
    std::string payload,
    RequestContext context
) {
  Result<std::string> result = Error(Code::Internal, "the handler gave no answer");
  try {
    if (const auto* call = std::get_if<RawHandler>(&service->handler)) {
      result = co_await (*call)(std::move(payload), std::move(context));
    } else {
      result = co_await std::get<RawStreamHandler>(service->handler)(
          std::move(payload), request.get(), std::move(context)
      );
    }
  } catch (const std::exception& exception) {
    result = wire_->uncaught(service->subject, exception.what());
  } catch (...) {
    result = wire_->uncaught(service->subject, "not a std::exception");
  }
  answer(request.get(), std::move(result));
  co_return Result<void>();
}

void Callee::answer(Incoming* request, Result<std::string> result) {
  request->running = false;
  timeouts_->remove(request);
  const auto place = requests_.find(request->id);
  const auto kept = place->second;
  requests_.erase(place);
  if (request->cancelled) {
    return;  // nobody waits
  }
  if (request->expired && !result.ok() && result.error().code() == Code::Cancelled) {
    result = Error(Code::Deadline, "the service ran out of time; try again or allow more");
  }
  auto& envelope = wire_->fresh_envelope(common::v1::KIND_REPLY, request->id);
  envelope.set_sequence(request->sequence);
  std::string payload;
  if (result.ok()) {
    payload = std::move(result).value();
  } else {
    set_error(envelope, result.error());
  }
  auto sent = wire_->send(request->reply, "", envelope, payload);
  if (!sent.ok() && sent.error().code() == Code::Invalid) {
    set_error(envelope, Error(Code::Internal, "the answer is larger than a message may be"));
    sent = wire_->send(request->reply, "", envelope, "");
  }
  if (!sent.ok()) {
    wire_->refuse("reply_not_sent");
  }
}

void Callee::on_control(const Delivery& delivery) {
  const auto frame = wire_->receive(delivery);
  const auto id = frame ? CorrelationId::parse(frame->envelope.correlation_id()) : std::nullopt;
  if (!id) {
    return;
  }
  const auto place = requests_.find(*id);
  if (place == requests_.end()) {
    return;  // it ended meanwhile
  }
  const auto request = place->second;
  request->caller_heard = wire_->now();
  if (frame->envelope.kind() == common::v1::KIND_CANCEL) {
    cancel(request.get());
    return;
  }
  if (frame->envelope.kind() != common::v1::KIND_CREDIT) {
    wire_->refuse("control");
    return;
  }
  // A caller cannot make this side hold more than the largest window.
  request->credit_chunks = std::min<std::int64_t>(
      request->credit_chunks + frame->envelope.credit_chunks(), kCreditChunksMax
  );
  request->credit_bytes = std::min<std::int64_t>(
      request->credit_bytes + frame->envelope.credit_bytes(), kCreditBytesMax
  );
  if (request->credit_waiter != nullptr && request->has_credit()) {
    std::exchange(request->credit_waiter, nullptr)->set({});
  }
}

void Callee::cancel(Incoming* request) {
  request->cancelled = true;
  if (request->running) {
    tasks_.cancel(request->task);
  }
}

Async<void> Callee::write_chunk(Incoming* request, std::string payload) {
  if (payload.size() > kChunkBytesMax) {
    co_return Error(Code::Invalid, "a chunk is too large; send 64 KiB at most");
  }
  while (true) {
    if (request->cancelled || request->expired) {
      co_return Error(Code::Cancelled, "the caller no longer waits for this stream");
    }
    if (request->has_credit()) {
      break;
    }
    if (!request->opened) {
      SLUICE_CO_CHECK_OK(send_open(request));  // the caller needs the instance to give credit
    }
    async::OneShot<void> credit;
    request->credit_waiter = &credit;
    const auto woken = co_await credit.wait();
    request->credit_waiter = nullptr;
    SLUICE_CO_CHECK_OK(woken);
  }
  if (!request->opened) {
    SLUICE_CO_CHECK_OK(send_open(request));
  }
  auto& envelope = wire_->fresh_envelope(common::v1::KIND_CHUNK, request->id);
  envelope.set_sequence(request->sequence);
  SLUICE_CO_CHECK_OK(wire_->send(request->reply, "", envelope, payload));
  ++request->sequence;
  --request->credit_chunks;
  request->credit_bytes -= static_cast<std::int64_t>(payload.size());
  request->last_sent = wire_->now();
  co_return Result<void>();
}

Result<void> Callee::send_open(Incoming* request) {
  auto& envelope = wire_->fresh_envelope(common::v1::KIND_OPEN, request->id);
  envelope.set_instance(wire_->deps().instance);
  SLUICE_CHECK_OK(wire_->send(request->reply, "", envelope, ""));
  request->opened = true;
  request->last_sent = wire_->now();
  return {};
}

void Callee::check(Incoming* request, TimePoint now) {
  if (now >= request->deadline) {
    request->expired = true;
    tasks_.cancel(request->task);
    return;
  }
  if (request->beating && now >= request->caller_heard + kCallerSilenceMax) {
    cancel(request);
    return;
  }
  if (now >= request->last_sent + kHeartbeatAfter) {
    // The first sign of life names the instance, so that even a plain call can be cancelled.
    if (!request->opened) {
      if (!send_open(request).ok()) {
        request->last_sent = now;  // try again in a second
      }
    } else if (request->streaming) {
      if (!request->beating) {
        request->beating = true;
        request->caller_heard = now;
      }
      auto& envelope = wire_->fresh_envelope(common::v1::KIND_HEARTBEAT, request->id);
      envelope.set_instance(wire_->deps().instance);
      if (!wire_->send(request->reply, "", envelope, "").ok()) {
        wire_->refuse("heartbeat_not_sent");
      }
      request->last_sent = now;
    }
  }
  watch(request);
}

void Callee::watch(Incoming* request) {
  const bool beats = request->streaming || !request->opened;
  const TimePoint next = beats ? request->last_sent + kHeartbeatAfter : request->deadline;
  timeouts_->set(request, std::min(request->deadline, next));
}

Async<void> Callee::drain(TimePoint deadline) {
  for (const auto& subscription : served_) {
    subscription->stop();
  }
  for (KeyRegistration* key : keys_) {
    key->stop();
  }
  auto done = co_await wire_->deps().transport->settle();
  served_.clear();
  for (KeyRegistration* key : keys_) {
    key->end();
  }
  const auto timer = wire_->deps().clock->schedule(deadline, [this] { tasks_.cancel(); });
  if (done.ok()) {
    done = co_await tasks_.close();
  }
  if (!done.ok()) {  // this task was asked to stop: no more waiting for the handlers
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    done = co_await tasks_.cancel_and_close();
  }
  co_return done;
}

}  // namespace sluice::bus
