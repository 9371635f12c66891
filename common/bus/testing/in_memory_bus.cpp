#include "common/bus/testing/in_memory_bus.h"

#include "common/async/one_shot.h"
#include "common/bus/durable_sender.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace sluice::bus {

bool subject_matches(std::string_view pattern, std::string_view subject) {
  while (true) {
    const auto pattern_dot = pattern.find('.');
    const auto subject_dot = subject.find('.');
    const auto want = pattern.substr(0, pattern_dot);
    const auto have = subject.substr(0, subject_dot);
    if (want == ">") {
      return !have.empty();
    }
    if (want != have && (want != "*" || have.empty())) {
      return false;
    }
    if (pattern_dot == std::string_view::npos || subject_dot == std::string_view::npos) {
      return pattern_dot == subject_dot;
    }
    pattern.remove_prefix(pattern_dot + 1);
    subject.remove_prefix(subject_dot + 1);
  }
}

// One subscription; the broker knows it weakly.
class InMemoryBroker::Interest final {
 public:
  std::weak_ptr<InMemoryTransport*> transport;
  std::string pattern;
  std::string queue;
  Sink sink;
  bool stopped = false;
};

namespace {

template <class Interest>
class InMemorySubscription final : public Subscription {
 public:
  explicit InMemorySubscription(std::shared_ptr<Interest> interest)
      : interest_(std::move(interest)) {}

  void stop() override { interest_->stopped = true; }

 private:
  std::shared_ptr<Interest> interest_;
};

}  // namespace

std::vector<std::shared_ptr<InMemoryBroker::Interest>> InMemoryBroker::takers(
    const std::string& subject
) {
  std::vector<std::shared_ptr<Interest>> found;
  const auto [first, last] = literal_.equal_range(subject);
  for (auto place = first; place != last;) {
    auto interest = place->second.lock();
    if (interest == nullptr) {
      place = literal_.erase(place);
      continue;
    }
    found.push_back(std::move(interest));
    ++place;
  }
  std::erase_if(patterns_, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : patterns_) {
    auto interest = weak.lock();
    if (subject_matches(interest->pattern, subject)) {
      found.push_back(std::move(interest));
    }
  }
  return found;
}

void InMemoryBroker::route(InMemoryTransport* from, Packet packet) {
  ++published_;
  std::map<std::string, std::vector<std::shared_ptr<Interest>>> groups;
  std::vector<std::shared_ptr<Interest>> receivers;
  for (auto& interest : takers(packet.subject)) {
    const auto transport = interest->transport.lock();
    if (interest->stopped || transport == nullptr || !(*transport)->connected_) {
      continue;
    }
    if (interest->queue.empty()) {
      receivers.push_back(std::move(interest));
    } else {
      groups[interest->queue].push_back(std::move(interest));
    }
  }
  for (auto& [queue, members] : groups) {
    receivers.push_back(members[turns_[queue]++ % members.size()]);
  }
  for (auto& [name, stream] : streams_) {
    if (subject_matches(stream.subject, packet.subject) && !streams_full_) {
      stream.messages.push_back(packet.bytes);
      stream.subjects.push_back(packet.subject);
    }
  }
  if (receivers.empty() && !packet.reply.empty()) {
    for (const auto& interest : takers(packet.reply)) {
      const auto transport = interest->transport.lock();
      if (transport != nullptr && *transport == from) {
        deliver(interest, {interest->pattern, "", "", true});
      }
    }
    return;
  }
  for (const auto& receiver : receivers) {
    switch (judge_ ? judge_(packet) : Fate::Deliver) {
      case Fate::Deliver:
        deliver(receiver, packet);
        break;
      case Fate::Duplicate:
        deliver(receiver, packet);
        deliver(receiver, packet);
        break;
      case Fate::Hold:
        held_.push_back({receiver, packet});
        break;
      case Fate::Drop:
        break;
    }
  }
}

void InMemoryBroker::deliver(const std::shared_ptr<Interest>& interest, const Packet& packet) {
  const auto transport = interest->transport.lock();
  if (transport == nullptr) {
    return;
  }
  boost::asio::post((*transport)->executor_, [weak = std::weak_ptr<Interest>(interest), packet] {
    const auto receiver = weak.lock();
    const auto owner = receiver ? receiver->transport.lock() : nullptr;
    if (owner != nullptr && (*owner)->connected_) {
      receiver->sink({packet.subject, packet.reply, packet.bytes, packet.no_responders});
    }
  });
}

void InMemoryBroker::release_held() {
  for (const Held& held : std::exchange(held_, {})) {
    if (const auto interest = held.interest.lock()) {
      deliver(interest, held.packet);
    }
  }
}

void InMemoryBroker::release_held_reversed() {
  std::reverse(held_.begin(), held_.end());
  release_held();
}

void InMemoryBroker::add_stream(const std::string& stream, const std::string& subject) {
  streams_[stream].subject = subject;
}

std::vector<std::string> InMemoryBroker::stream_messages(const std::string& stream) const {
  const auto place = streams_.find(stream);
  return place == streams_.end() ? std::vector<std::string>() : place->second.messages;
}

// Hands out what is not acknowledged and was not handed out by this object; a new one starts with
// all of that again, as after a crash.
class InMemoryBroker::Consumer final : public DurableConsumer {
 public:
  Consumer(Executor executor, Stream* stream, std::string name)
      : executor_(std::move(executor)), stream_(stream), name_(std::move(name)) {}

  Async<std::vector<DurableMessage>> fetch(std::size_t count, std::chrono::milliseconds wait)
      override {
    for (std::int64_t waited_ms = 0; next_ == end() && waited_ms < wait.count(); ++waited_ms) {
      if (co_await async::is_cancelled()) {
        co_return Error(Code::Cancelled, "the operation was cancelled");
      }
      boost::asio::steady_timer timer(executor_, std::chrono::milliseconds(1));
      boost::system::error_code ignored;
      co_await timer.async_wait(boost::asio::redirect_error(async::kAwait, ignored));
    }
    std::vector<DurableMessage> messages;
    const auto& acknowledged = acks();
    while (next_ < end() && messages.size() < count) {
      if (!acknowledged[next_]) {
        messages.push_back(
            {stream_->messages[next_],
             next_ + 1,
             durable_token(stream_->subjects[next_], std::to_string(next_))}
        );
      }
      ++next_;
    }
    co_return messages;
  }

  Async<void> acknowledge(std::vector<DurableMessage> messages) override {
    auto& acknowledged = acks();
    for (const DurableMessage& message : messages) {
      acknowledged.at(message.stream_sequence - 1) = true;
    }
    co_return Result<void>();
  }

  void stop() override { end_ = stream_->messages.size(); }

  [[nodiscard]] std::uint64_t pending() const override { return stream_->messages.size() - next_; }

 private:
  [[nodiscard]] std::size_t end() const { return end_.value_or(stream_->messages.size()); }

  std::vector<bool>& acks() {
    auto& acknowledged = stream_->acknowledged[name_];
    acknowledged.resize(stream_->messages.size());
    return acknowledged;
  }

  Executor executor_;
  Stream* stream_;
  std::string name_;
  std::size_t next_ = 0;
  std::optional<std::size_t> end_;  // stopped: messages from there on are not for this one
};

InMemoryTransport::InMemoryTransport(Executor executor, InMemoryBroker* broker)
    : executor_(std::move(executor)),
      broker_(broker),
      self_(std::make_shared<InMemoryTransport*>(this)) {}

InMemoryTransport::~InMemoryTransport() = default;

Result<void> InMemoryTransport::publish(
    std::string_view subject, std::string_view reply, std::string_view bytes
) {
  if (!connected_) {
    return Error(Code::Unavailable, "not connected to the bus; try again");
  }
  if (bytes.size() > payload_bytes_max_) {
    return Error(Code::Invalid, "the message is larger than the bus carries; send less at once");
  }
  broker_->route(this, {std::string(subject), std::string(reply), std::string(bytes), false});
  return {};
}

Result<std::unique_ptr<Subscription>> InMemoryTransport::subscribe(
    std::string subject, std::string queue, Sink sink
) {
  auto interest = std::make_shared<InMemoryBroker::Interest>();
  interest->transport = self_;
  interest->pattern = std::move(subject);
  interest->queue = std::move(queue);
  interest->sink = std::move(sink);
  if (interest->pattern.find_first_of("*>") == std::string::npos) {
    broker_->literal_.emplace(interest->pattern, interest);
  } else {
    broker_->patterns_.push_back(interest);
  }
  return std::unique_ptr<Subscription>(
      std::make_unique<InMemorySubscription<InMemoryBroker::Interest>>(std::move(interest))
  );
}

Async<void> InMemoryTransport::publish_durable(
    std::string subject, std::string bytes, TimePoint /*deadline*/
) {
  if (!connected_) {
    co_return Error(Code::Unavailable, "not connected to the bus; try again");
  }
  if (bytes.size() > payload_bytes_max_) {
    co_return Error(Code::Invalid, "the message is larger than the bus carries; send less at once");
  }
  const bool stored = std::any_of(
      broker_->streams_.begin(),
      broker_->streams_.end(),
      [&subject](const auto& entry) { return subject_matches(entry.second.subject, subject); }
  );
  if (!stored) {
    co_return Error(Code::Unavailable, "no durable stream takes this subject yet; retry later");
  }
  if (broker_->streams_full_) {
    co_return Error(Code::Exhausted, "the durable stream is full; retry later");
  }
  broker_->route(this, {std::move(subject), "", std::move(bytes), false});
  co_return co_await settle();  // an acknowledgement takes a turn of the loop
}

Async<std::unique_ptr<DurableConsumer>> InMemoryTransport::consume(
    std::string stream, std::string subject, std::string consumer
) {
  if (!connected_) {
    co_return Error(Code::Unavailable, "not connected to the bus; try again");
  }
  broker_->add_stream(stream, subject);
  co_return std::unique_ptr<DurableConsumer>(std::make_unique<InMemoryBroker::Consumer>(
      executor_, &broker_->streams_[stream], std::move(consumer)
  ));
}

void InMemoryTransport::on_violation(std::function<void(std::string_view)> callback) {
  on_violation_ = std::move(callback);
}

void InMemoryTransport::on_connection(std::function<void(bool)> callback) {
  on_connection_ = std::move(callback);
}

Async<void> InMemoryTransport::settle() {
  async::OneShot<void> turn;
  boost::asio::post(executor_, [&turn] { turn.set({}); });
  co_return co_await turn.wait();
}

Async<void> InMemoryTransport::close() {
  set_connected(false);
  co_return Result<void>();
}

void InMemoryTransport::set_connected(bool connected) {
  if (std::exchange(connected_, connected) == connected) {
    return;
  }
  boost::asio::post(executor_, [weak = std::weak_ptr<InMemoryTransport*>(self_), connected] {
    const auto transport = weak.lock();
    if (transport != nullptr && (*transport)->on_connection_) {
      (*transport)->on_connection_(connected);
    }
  });
}

}  // namespace sluice::bus
