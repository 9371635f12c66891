#include "common/bus/caller.h"

#include "common/bus/limits.h"

namespace sluice::bus {

// One request under way.
struct Outgoing final : Timed {
  Outgoing(Caller* caller_in, CorrelationId id_in) : caller(caller_in), id(id_in) {}

  void due(TimePoint now) override { caller->check(this, now); }

  Caller* caller;
  CorrelationId id;
  Caller::Inbox* inbox = nullptr;
  std::uint32_t lane = 0;
  bool streaming = false;
  bool registered = true;
  TimePoint deadline;
  TimePoint last_heard;
  std::string instance;  // of the callee, once it said so

  async::OneShot<std::string>* answer = nullptr;  // a call's

  // A stream's.
  std::deque<std::string> chunks;
  std::optional<Result<std::string>> end;
  async::OneShot<void>* reader = nullptr;
  std::uint64_t next_sequence = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t allowed_chunks = 0;  // since the start
  std::uint64_t allowed_bytes = 0;
  std::uint32_t window_chunks = 0;
  std::uint32_t window_bytes = 0;
  std::uint32_t owed_chunks = 0;  // consumed, credit not sent yet
  std::uint32_t owed_bytes = 0;
};

// What RawStream is to the caller's code.
class Caller::StreamEnd final : public RawStream {
 public:
  StreamEnd(std::weak_ptr<Caller> caller, std::shared_ptr<Outgoing> request)
      : caller_(std::move(caller)), request_(std::move(request)) {}

  StreamEnd(const StreamEnd&) = delete;
  StreamEnd& operator=(const StreamEnd&) = delete;
  StreamEnd(StreamEnd&&) = delete;
  StreamEnd& operator=(StreamEnd&&) = delete;

  ~StreamEnd() override {
    request_->reader = nullptr;
    if (const auto caller = caller_.lock()) {
      caller->abandon(request_.get());
    }
  }

  Async<std::optional<std::string>> next() override {
    while (request_->chunks.empty()) {
      if (request_->end) {
        if (!request_->end->ok()) {
          co_return Error(request_->end->error());
        }
        final_ = std::move(*request_->end).value();
        request_->end = Result<std::string>(std::string());
        co_return std::optional<std::string>();
      }
      async::OneShot<void> arrival;
      request_->reader = &arrival;
      const auto woken = co_await arrival.wait();
      request_->reader = nullptr;
      SLUICE_CO_CHECK_OK(woken);
    }
    std::optional<std::string> chunk(std::move(request_->chunks.front()));
    request_->chunks.pop_front();
    if (const auto caller = caller_.lock()) {
      caller->consumed(request_.get(), chunk->size());
    }
    co_return chunk;
  }

  [[nodiscard]] std::string take_final() override { return std::move(final_); }

 private:
  std::weak_ptr<Caller> caller_;
  std::shared_ptr<Outgoing> request_;
  std::string final_;
};

Caller::~Caller() {
  for (const auto& [id, request] : requests_) {
    timeouts_->remove(request.get());
    request->registered = false;
  }
}

Async<std::string> Caller::call(Target target, std::string payload, RequestContext context) {
  const TimePoint limit = wire_->now() + target.timeout;
  context.deadline = context.deadline == TimePoint{} ? limit : std::min(context.deadline, limit);
  Result<std::string> result = co_await attempt(&target, &payload, context);
  if (target.retry == endpoints::Retry::Never || result.ok() ||
      result.error().code() != Code::Unavailable ||
      wire_->now() + kRetryAfter >= context.deadline) {
    co_return result;
  }
  SLUICE_CO_CHECK_OK(co_await async::sleep_for(wire_->deps().clock, kRetryAfter));
  co_return co_await attempt(&target, &payload, context);
}

Async<std::string> Caller::attempt(
    const Target* target, const std::string* payload, RequestContext context
) {
  SLUICE_CO_TRY(const auto request, begin(*target, *payload, context));
  async::OneShot<std::string> answer;
  request->answer = &answer;
  auto result = co_await answer.wait();
  request->answer = nullptr;
  abandon(request.get());  // cancelled while waiting; nothing when it was answered
  co_return result;
}

Async<std::unique_ptr<RawStream>> Caller::open(
    Target target, std::string payload, RequestContext context
) {
  const TimePoint limit = wire_->now() + target.timeout;
  context.deadline = context.deadline == TimePoint{} ? limit : std::min(context.deadline, limit);
  SLUICE_CO_TRY(auto request, begin(target, payload, context));
  co_return std::make_unique<StreamEnd>(weak_from_this(), std::move(request));
}

Result<Caller::Inbox*> Caller::inbox_of(std::string_view callee) {
  auto& place = inboxes_[std::string(callee)];
  if (place == nullptr) {
    auto inbox = std::make_unique<Inbox>();
    inbox->callee = callee;
    inbox->prefix = "_INBOX." + wire_->deps().service + "." + inbox->callee + "." +
                    wire_->deps().instance + ".";
    place = std::move(inbox);
  }
  if (place->subscription == nullptr) {
    Inbox* const inbox = place.get();
    SLUICE_TRY(
        place->subscription,
        wire_->deps().transport->subscribe(
            inbox->prefix + "r",
            "",
            [this, inbox](const Delivery& delivery) { on_delivery(inbox, delivery); }
        )
    );
  }
  return place.get();
}

Result<std::shared_ptr<Outgoing>> Caller::begin(
    const Target& target, const std::string& payload, const RequestContext& context
) {
  const TimePoint now = wire_->now();
  if (context.deadline <= now) {
    return Error(Code::Deadline, "no time is left for this request; allow more");
  }
  if (requests_.size() >= kRequestsSentMax) {
    return Error(Code::Exhausted, "too many requests are under way; retry later");
  }
  SLUICE_TRY(Inbox* const inbox, inbox_of(target.callee));
  const auto request = std::make_shared<Outgoing>(this, wire_->make_id());
  request->inbox = inbox;
  request->deadline = context.deadline;
  request->last_heard = now;
  request->streaming = target.credit_chunks > 0;
  request->window_chunks = target.credit_chunks;
  request->window_bytes = target.credit_bytes;
  request->allowed_chunks = target.credit_chunks;
  request->allowed_bytes = target.credit_bytes;
  SLUICE_TRY(request->lane, take_lane(inbox));
  inbox->lanes[request->lane].request = request.get();
  requests_.emplace(request->id, request);
  watch(request.get());

  auto& envelope = wire_->fresh_envelope(common::v1::KIND_REQUEST, request->id);
  set_context(envelope, context, now);
  envelope.set_credit_chunks(target.credit_chunks);
  envelope.set_credit_bytes(target.credit_bytes);
  const std::string reply = inbox->prefix + "n" + std::to_string(request->lane);
  if (auto sent = wire_->send(target.subject, reply, envelope, payload); !sent.ok()) {
    forget(request.get());
    return std::move(sent).error();
  }
  return request;
}

Result<std::uint32_t> Caller::take_lane(Inbox* inbox) {
  if (!inbox->free_lanes.empty()) {
    const std::uint32_t lane = inbox->free_lanes.back();
    inbox->free_lanes.pop_back();
    return lane;
  }
  const auto lane = static_cast<std::uint32_t>(inbox->lanes.size());
  SLUICE_TRY(
      auto subscription,
      wire_->deps().transport->subscribe(
          inbox->prefix + "n" + std::to_string(lane),
          "",
          [this, inbox, lane](const Delivery& delivery) {
            Outgoing* const request = inbox->lanes[lane].request;
            if (delivery.no_responders && request != nullptr) {
              finish(
                  request,
                  Error(
                      Code::Unavailable, inbox->callee + " is not running or not ready; retry later"
                  )
              );
            }
          }
      )
  );
  inbox->lanes.push_back({nullptr, std::move(subscription)});
  return lane;
}

void Caller::on_delivery(Inbox* inbox, const Delivery& delivery) {
  const auto frame = wire_->receive(delivery);
  if (!frame) {
    return;
  }
  const auto id = CorrelationId::parse(frame->envelope.correlation_id());
  const auto place = id ? requests_.find(*id) : requests_.end();
  if (place == requests_.end() || place->second->inbox != inbox) {
    if (id) {
      on_unknown(*inbox, *id, *frame);
    }
    return;
  }
  const auto request = place->second;  // kept alive while it is worked on
  request->last_heard = wire_->now();
  switch (frame->envelope.kind()) {
    case common::v1::KIND_OPEN:
    case common::v1::KIND_HEARTBEAT:
      if (!is_token(frame->envelope.instance())) {
        wire_->refuse("instance");
        return;
      }
      request->instance = frame->envelope.instance();
      if (request->streaming && frame->envelope.kind() == common::v1::KIND_HEARTBEAT) {
        send_credit(request.get());  // says that this side lives, too
      }
      return;
    case common::v1::KIND_CHUNK:
      on_chunk(request.get(), *frame);
      return;
    case common::v1::KIND_REPLY:
      on_reply(request.get(), *frame);
      return;
    default:
      wire_->refuse("kind");
  }
}

void Caller::on_unknown(const Inbox& inbox, CorrelationId id, const Frame& frame) {
  const auto kind = frame.envelope.kind();
  if (kind == common::v1::KIND_OPEN || kind == common::v1::KIND_HEARTBEAT) {
    // It works for a request that was given up before its instance was known.
    if (is_token(frame.envelope.instance())) {
      send_cancel(inbox.callee, frame.envelope.instance(), id);
    }
    return;
  }
  wire_->refuse("unknown");
}

void Caller::on_reply(Outgoing* request, const Frame& frame) {
  if (frame.envelope.code() != 0) {
    finish(request, error_of(frame.envelope));
    return;
  }
  if (request->streaming && frame.envelope.sequence() != request->next_sequence) {
    finish(request, Error(Code::Unavailable, "a part of the answer was lost; try again"));
    return;
  }
  finish(request, std::string(frame.payload));
}

void Caller::on_chunk(Outgoing* request, const Frame& frame) {
  if (!request->streaming) {
    wire_->refuse("chunk");
    return;
  }
  if (frame.envelope.sequence() < request->next_sequence) {
    return;  // a duplicate
  }
  if (frame.envelope.sequence() > request->next_sequence) {
    finish_and_cancel(
        request, Error(Code::Unavailable, "a part of the answer was lost; try again")
    );
    return;
  }
  ++request->next_sequence;
  request->received_bytes += frame.payload.size();
  if (request->next_sequence > request->allowed_chunks ||
      request->received_bytes > request->allowed_bytes + kChunkBytesMax) {
    finish_and_cancel(
        request, Error(Code::Unavailable, "the callee sent more than it was allowed")
    );
    return;
  }
  request->chunks.emplace_back(frame.payload);
  if (request->reader != nullptr) {
    std::exchange(request->reader, nullptr)->set_now({});
  }
}

void Caller::finish(Outgoing* request, Result<std::string> result) {
  const auto place = requests_.find(request->id);
  SLUICE_CHECK(place != requests_.end(), "a request ends once");
  const auto kept = place->second;
  forget(request);
  if (!kept->streaming) {
    if (kept->answer != nullptr) {
      std::exchange(kept->answer, nullptr)->set_now(std::move(result));
    }
    return;
  }
  kept->end.emplace(std::move(result));
  if (kept->reader != nullptr) {
    std::exchange(kept->reader, nullptr)->set_now({});
  }
}

void Caller::finish_and_cancel(Outgoing* request, Error error) {
  if (!request->instance.empty()) {
    send_cancel(request->inbox->callee, request->instance, request->id);
  }
  finish(request, std::move(error));
}

void Caller::forget(Outgoing* request) {
  timeouts_->remove(request);
  request->inbox->lanes[request->lane].request = nullptr;
  request->inbox->free_lanes.push_back(request->lane);
  request->registered = false;
  requests_.erase(request->id);
}

void Caller::abandon(Outgoing* request) {
  if (!request->registered) {
    return;
  }
  if (!request->instance.empty()) {
    send_cancel(request->inbox->callee, request->instance, request->id);
  }
  forget(request);
}

void Caller::consumed(Outgoing* request, std::size_t bytes) {
  if (!request->registered) {
    return;
  }
  ++request->owed_chunks;
  request->owed_bytes += static_cast<std::uint32_t>(bytes);
  if (request->owed_chunks * 2 >= request->window_chunks ||
      request->owed_bytes * 2 >= request->window_bytes) {
    send_credit(request);
  }
}

void Caller::send_credit(Outgoing* request) {
  if (request->instance.empty()) {
    return;
  }
  auto& envelope = wire_->fresh_envelope(common::v1::KIND_CREDIT, request->id);
  envelope.set_credit_chunks(request->owed_chunks);
  envelope.set_credit_bytes(request->owed_bytes);
  const auto sent =
      wire_->send(control_subject(request->inbox->callee, request->instance), "", envelope, "");
  if (sent.ok()) {
    request->allowed_chunks += std::exchange(request->owed_chunks, 0);
    request->allowed_bytes += std::exchange(request->owed_bytes, 0);
  }
}

void Caller::send_cancel(std::string_view callee, std::string_view instance, CorrelationId id) {
  const auto& envelope = wire_->fresh_envelope(common::v1::KIND_CANCEL, id);
  // Not sent means the connection is down; the callee then hears nothing and stops by itself.
  if (!wire_->send(control_subject(callee, instance), "", envelope, "").ok()) {
    wire_->refuse("cancel_not_sent");
  }
}

void Caller::check(Outgoing* request, TimePoint now) {
  if (now >= request->deadline) {
    finish_and_cancel(
        request,
        Error(
            Code::Deadline,
            request->inbox->callee + " did not answer in time; try again or allow more time"
        )
    );
    return;
  }
  if (request->streaming && now >= request->last_heard + kSilenceMax) {
    finish_and_cancel(
        request, Error(Code::Unavailable, request->inbox->callee + " stopped answering; try again")
    );
    return;
  }
  watch(request);
}

void Caller::watch(Outgoing* request) {
  const TimePoint silence =
      request->streaming ? request->last_heard + kSilenceMax : request->deadline;
  timeouts_->set(request, std::min(request->deadline, silence));
}

void Caller::connection_lost() {
  std::vector<std::shared_ptr<Outgoing>> requests;
  requests.reserve(requests_.size());
  for (const auto& [id, request] : requests_) {
    requests.push_back(request);
  }
  for (const auto& request : requests) {
    if (request->registered) {
      finish(
          request.get(), Error(Code::Unavailable, "the connection to the bus was lost; try again")
      );
    }
  }
}

}  // namespace sluice::bus
