#include "common/bus/nats_link.h"

#include "common/async/blocking_pool.h"
#include "common/async/clock.h"
#include "common/bus/limits.h"
#include "common/bus/nats_anchor.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nats/nats.h>

namespace sluice::bus {

using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

// The socket's duplicate in our loop. nats.c closes its own descriptor whenever it likes, on any of
// its threads; ours stays ours until we close it, so its number is never somebody else's.
class NatsLink::Poller {
 public:
  Poller(const Executor& executor, int descriptor, std::uint64_t generation_in)
      : socket(executor, descriptor), generation(generation_in) {}

  Descriptor socket;
  std::uint64_t generation;
  bool waiting_writable = false;
};

struct NatsLink::Interest {
  std::string subject;
  natsSubscription* subscription = nullptr;
  MessageSink sink;
  bool ended = false;
};

class NatsLink::NatsSubscription final : public Subscription {
 public:
  NatsSubscription(std::weak_ptr<NatsLink> link, std::shared_ptr<Interest> interest)
      : link_(std::move(link)), interest_(std::move(interest)) {}

  NatsSubscription(const NatsSubscription&) = delete;
  NatsSubscription& operator=(const NatsSubscription&) = delete;
  NatsSubscription(NatsSubscription&&) = delete;
  NatsSubscription& operator=(NatsSubscription&&) = delete;

  ~NatsSubscription() override {
    interest_->ended = true;
    if (const auto link = link_.lock()) {
      link->sweep();
    }
  }

  void stop() override {
    if (interest_->subscription != nullptr) {
      natsSubscription_Drain(interest_->subscription);
    }
  }

 private:
  std::weak_ptr<NatsLink> link_;
  std::shared_ptr<Interest> interest_;
};

NatsLink::NatsLink(Executor executor, observability::Log* log, NatsOptions options)
    : executor_(std::move(executor)), log_(log), options_(std::move(options)) {
  natsStatistics_Create(&statistics_);
}

NatsLink::~NatsLink() {
  close();
  natsStatistics_Destroy(statistics_);
}

namespace {

struct OptionsDeleter {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

using OptionsHandle = std::unique_ptr<natsOptions, OptionsDeleter>;

// Everything that does not depend on the link.
natsStatus set_plain_options(natsOptions* options, const NatsOptions& from) {
  natsStatus status = natsOptions_SetURL(options, from.url.c_str());
  const auto set = [&status](natsStatus next) { status = status == NATS_OK ? next : status; };
  if (!from.user.empty()) {
    set(natsOptions_SetUserInfo(options, from.user.c_str(), from.password.c_str()));
  }
  set(natsOptions_SetName(options, from.name.c_str()));
  set(natsOptions_SetTimeout(options, from.connect_timeout.count()));
  set(natsOptions_SetSendAsap(options, true));
  set(natsOptions_SetIOBufSize(options, static_cast<int>(kIoBytes)));
  set(natsOptions_SetMaxReconnect(options, -1));
  set(natsOptions_SetReconnectWait(options, std::chrono::milliseconds(kReconnectWait).count()));
  set(natsOptions_SetReconnectJitter(
      options,
      std::chrono::milliseconds(kReconnectJitter).count(),
      std::chrono::milliseconds(kReconnectJitter).count()
  ));
  // Nothing waits for a reconnect: what could not be sent is refused, so no request arrives after
  // its caller gave up.
  set(natsOptions_SetReconnectBufSize(options, 0));
  set(natsOptions_SetPingInterval(options, std::chrono::milliseconds(kPingInterval).count()));
  set(natsOptions_SetMaxPingsOut(options, kPingsOutMax));
  set(natsOptions_SetIgnoreDiscoveredServers(options, true));
  return status;
}

Error connect_error(natsStatus status) {
  const char* text = nats_GetLastError(nullptr);
  const std::string detail = text != nullptr ? text : natsStatus_GetText(status);
  if (status == NATS_CONNECTION_AUTH_FAILED || status == NATS_NOT_PERMITTED) {
    return Error(
               Code::Denied, "the bus refused this service's credentials; check its NATS password"
    )
        .with_detail(detail);
  }
  return Error(Code::Unavailable, "the bus cannot be reached; start nats-server or check bus.url")
      .with_detail(detail);
}

struct Connected {
  natsConnection* connection = nullptr;
};

}  // namespace

Async<void> NatsLink::connect() {
  natsOptions* raw = nullptr;
  natsOptions_Create(&raw);
  const OptionsHandle options(raw);
  anchor_ = std::make_shared<Anchor>(executor_, weak_from_this());
  auto events = std::make_unique<std::shared_ptr<Anchor>>(anchor_);
  auto notices = std::make_unique<std::shared_ptr<Anchor>>(anchor_);
  natsStatus status = set_plain_options(raw, options_);
  const auto set = [&status](natsStatus next) { status = status == NATS_OK ? next : status; };
  set(natsOptions_SetEventLoop(
      raw, events.get(), &Anchor::on_attach, &Anchor::on_read, &Anchor::on_write, &Anchor::on_detach
  ));
  set(natsOptions_SetErrorHandler(raw, &Anchor::on_error, notices.get()));
  set(natsOptions_SetDisconnectedCB(raw, &Anchor::on_disconnected, notices.get()));
  set(natsOptions_SetReconnectedCB(raw, &Anchor::on_reconnected, notices.get()));
  set(natsOptions_SetClosedCB(raw, &Anchor::on_closed, notices.get()));
  if (status != NATS_OK) {
    co_return Error(Code::Invalid, "the bus settings are not usable; check bus.url")
        .with_detail(natsStatus_GetText(status));
  }
  async::BlockingPool pool(1);
  const auto dial = [raw]() -> Result<Connected> {
    Connected connected;
    const natsStatus outcome = natsConnection_Connect(&connected.connection, raw);
    if (outcome != NATS_OK) {
      return connect_error(outcome);
    }
    return connected;
  };
  SLUICE_CO_TRY(const Connected connected, co_await pool.run(dial));
  // From here nats.c holds these: the first until close(), the second until its last callback.
  anchor_of_events_ = events.release();
  [[maybe_unused]] const auto* held = notices.release();
  connection_ = connected.connection;
  was_connected_ = true;
  const auto payload_max = natsConnection_GetMaxPayload(connection_);
  payload_bytes_max_ = payload_max > 0 ? static_cast<std::size_t>(payload_max) : payload_bytes_max_;
  co_return Result<void>();
}

bool NatsLink::connected() const {
  return connection_ != nullptr && !closed_ &&
         natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
}

Result<void> NatsLink::publish(
    std::string_view subject, std::string_view reply, std::string_view bytes
) {
  if (!connected()) {
    return Error(Code::Unavailable, "not connected to the bus; try again");
  }
  if (bytes.size() > payload_bytes_max_) {
    return Error(Code::Invalid, "the message is larger than the bus carries; send less at once");
  }
  const int queued = natsConnection_Buffered(connection_);
  if (queued > 0 && static_cast<std::size_t>(queued) + bytes.size() > options_.output_bytes_max) {
    return Error(Code::Exhausted, "too much is waiting to be sent; retry later");
  }
  subject_.assign(subject);
  reply_.assign(reply);
  const int size = static_cast<int>(bytes.size());
  const natsStatus status =
      reply.empty() ? natsConnection_Publish(connection_, subject_.c_str(), bytes.data(), size)
                    : natsConnection_PublishRequest(
                          connection_, subject_.c_str(), reply_.c_str(), bytes.data(), size
                      );
  if (status != NATS_OK) {
    return Error(Code::Unavailable, "the bus took no message; try again")
        .with_detail(natsStatus_GetText(status));
  }
  return {};
}

Result<std::unique_ptr<Subscription>> NatsLink::subscribe(
    const std::string& subject, const std::string& queue, MessageSink sink
) {
  if (connection_ == nullptr || closed_) {
    return Error(Code::Unavailable, "not connected to the bus; try again");
  }
  auto interest = std::make_shared<Interest>();
  interest->subject = subject;
  interest->sink = std::move(sink);
  natsStatus status =
      queue.empty()
          ? natsConnection_SubscribeSync(&interest->subscription, connection_, subject.c_str())
          : natsConnection_QueueSubscribeSync(
                &interest->subscription, connection_, subject.c_str(), queue.c_str()
            );
  if (status == NATS_OK) {
    status = natsSubscription_SetPendingLimits(
        interest->subscription, kQueuedMessagesMax, kQueuedBytesMax
    );
  }
  if (status != NATS_OK) {
    natsSubscription_Destroy(interest->subscription);
    return Error(Code::Unavailable, "the bus took no subscription; try again")
        .with_detail(natsStatus_GetText(status));
  }
  interests_.push_back(interest);
  return std::unique_ptr<Subscription>(
      std::make_unique<NatsSubscription>(weak_from_this(), std::move(interest))
  );
}

void NatsLink::attached(natsConnection* connection, int descriptor, std::uint64_t generation) {
  poller_ = std::make_unique<Poller>(executor_, descriptor, generation);
  if (closed_) {
    poller_.reset();
    return;
  }
  connection_ = connection;
  wait_readable();
  write_now();  // a wish to write may have come while there was no socket
}

void NatsLink::detached(std::uint64_t generation) {
  if (poller_ != nullptr && poller_->generation <= generation) {
    poller_.reset();
  }
}

void NatsLink::wait_readable() {
  poller_->socket.async_wait(
      Descriptor::wait_read,
      [self = shared_from_this(), generation = poller_->generation](boost::system::error_code) {
        if (self->poller_ == nullptr || self->poller_->generation != generation) {
          return;
        }
        natsConnection_ProcessReadEvent(self->connection_);
        self->deliver();
        if (self->poller_ != nullptr && self->poller_->generation == generation) {
          self->wait_readable();
        }
      }
  );
}

// One write of everything queued in this turn. nats.c takes the wish to write back when all is out.
void NatsLink::write_now() {
  if (poller_ == nullptr || closed_ || poller_->waiting_writable || !anchor_->write_wanted) {
    return;
  }
  natsConnection_ProcessWriteEvent(connection_);
  if (!anchor_->write_wanted) {
    return;
  }
  poller_->waiting_writable = true;
  poller_->socket.async_wait(
      Descriptor::wait_write,
      [self = shared_from_this(), generation = poller_->generation](boost::system::error_code) {
        if (self->poller_ != nullptr && self->poller_->generation == generation) {
          self->poller_->waiting_writable = false;
          self->write_now();
        }
      }
  );
}

namespace {

NatsMessage view_of(natsMsg* message) {
  NatsMessage view;
  view.delivery.subject = natsMsg_GetSubject(message);
  if (const char* reply = natsMsg_GetReply(message); reply != nullptr) {
    view.delivery.reply = reply;
  }
  view.delivery.bytes = std::string_view(
      natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))
  );
  if (view.delivery.bytes.empty()) {
    if (const char* status = nullptr; natsMsgHeader_Get(message, "Status", &status) == NATS_OK) {
      view.status = status;
    }
  }
  return view;
}

}  // namespace

std::uint64_t NatsLink::received() {
  std::uint64_t messages = 0;
  std::uint64_t ignored = 0;
  if (connection_ != nullptr && natsConnection_GetStats(connection_, statistics_) == NATS_OK) {
    natsStatistics_GetCounts(statistics_, &messages, &ignored, &ignored, &ignored, &ignored);
  }
  return messages;
}

void NatsLink::drain(Interest* interest, int* left) {
  int waiting = 0;
  while (!interest->ended && *left > 0 &&
         natsSubscription_GetPending(interest->subscription, &waiting, nullptr) == NATS_OK &&
         waiting > 0) {
    natsMsg* message = nullptr;
    const natsStatus status = natsSubscription_NextMsg(&message, interest->subscription, 0);
    if (status == NATS_SLOW_CONSUMER) {
      continue;  // told once; the messages that fitted follow
    }
    if (status != NATS_OK && status != NATS_NO_RESPONDERS) {
      return;
    }
    --*left;
    ++taken_;
    if (status == NATS_NO_RESPONDERS) {  // nats.c keeps the message
      interest->sink({{interest->subject, "", "", true}, "503"});
    } else {
      interest->sink(view_of(message));
      finished_.push_back(message);
      finished_bytes_ += static_cast<std::size_t>(natsMsg_GetDataLength(message));
    }
  }
}

void NatsLink::deliver() {
  if (delivering_ || closed_) {
    return;
  }
  delivering_ = true;
  const std::uint64_t received_now = received();
  int left = kDeliveriesPerTurnMax;
  for (std::size_t i = 0; i < interests_.size() && left > 0 && taken_ < received_now; ++i) {
    const auto interest = interests_[i];
    const int before = left;
    drain(interest.get(), &left);
    if (left != before && i > 0) {
      std::swap(
          interests_[i], interests_[i - 1]
      );  // busy ones move to the front, where they are found soon
    }
  }
  delivering_ = false;
  if (finished_.size() >= kFinishedMessagesMax || finished_bytes_ >= kFinishedBytesMax) {
    free_finished();
  }
  sweep();
  if (left > 0) {
    taken_ = received_now;  // what was not found was dropped by nats.c: its subscription had gone
  } else if (!delivery_posted_) {
    delivery_posted_ = true;
    anchor_->post([](NatsLink& link) {
      link.delivery_posted_ = false;
      link.deliver();
    });
  }
}

// nats.c hands each message to a thread of its own that frees it; waking that thread costs more
// than the delivery did, so they go there in groups.
void NatsLink::free_finished() {
  for (natsMsg* message : finished_) {
    natsMsg_Destroy(message);
  }
  finished_.clear();
  finished_bytes_ = 0;
}

void NatsLink::sweep() {
  if (delivering_) {
    return;
  }
  std::erase_if(interests_, [](const std::shared_ptr<Interest>& interest) {
    if (!interest->ended) {
      return false;
    }
    natsSubscription_Destroy(std::exchange(interest->subscription, nullptr));
    return true;
  });
}

void NatsLink::notice_connection(bool connected) {
  if (closed_ || std::exchange(was_connected_, connected) == connected) {
    return;
  }
  if (log_ != nullptr) {
    log_->warn(connected ? "bus-reconnected" : "bus-disconnected", {{"url", options_.url}});
  }
  if (on_connection_) {
    on_connection_(connected);
  }
}

void NatsLink::notice_error(const std::string& text, bool violation) {
  if (log_ != nullptr) {
    log_->error(violation ? "bus-permission-violation" : "bus-error", {{"text", text}});
  }
  if (violation && on_violation_) {
    on_violation_(text);
  }
}

Async<void> NatsLink::flush(std::chrono::milliseconds longest) {
  for (std::int64_t waited_ms = 0; waited_ms < longest.count(); ++waited_ms) {
    if (!connected() || natsConnection_Buffered(connection_) == 0) {
      break;
    }
    boost::asio::steady_timer timer(executor_, std::chrono::milliseconds(1));
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(async::kAwait, ignored));
    if (co_await async::is_cancelled()) {
      co_return Error(Code::Cancelled, "the operation was cancelled");
    }
  }
  co_return Result<void>();
}

void NatsLink::close() {
  if (std::exchange(closed_, true)) {
    return;
  }
  poller_.reset();
  for (const auto& interest : interests_) {
    interest->ended = true;
  }
  sweep();
  free_finished();
  if (connection_ != nullptr && anchor_of_events_ != nullptr) {
    natsConnection_Destroy(connection_);
  }
  if (anchor_ != nullptr) {
    anchor_->shut();
  }
  const std::unique_ptr<std::shared_ptr<Anchor>> events(std::exchange(anchor_of_events_, nullptr));
}

}  // namespace sluice::bus
