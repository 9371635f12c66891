#include "common/bus/nats_durable.h"

#include "common/async/deadline.h"
#include "common/bus/durable_sender.h"
#include "common/bus/limits.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

namespace sluice::bus {
namespace {

// Error numbers of nats-server's errors.json.
constexpr std::int64_t kStreamNameInUse = 10058;

template <class Number>
Number number_of(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

struct AckSubject {
  std::uint64_t stream_sequence = 0;
  std::uint64_t pending = 0;
};

// "$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>", or with
// domain and account hash after ACK and a token at the end. Source: nats-server, JetStream ack
// reply subjects v1 and v2.
AckSubject parse_ack(std::string_view subject) {
  std::vector<std::string_view> tokens;
  while (true) {
    const auto dot = subject.find('.');
    tokens.push_back(subject.substr(0, dot));
    if (dot == std::string_view::npos) {
      break;
    }
    subject.remove_prefix(dot + 1);
  }
  constexpr std::size_t kTokensOfV1 = 9;
  constexpr std::size_t kTokensOfV2 = 11;
  const std::size_t shift = tokens.size() >= kTokensOfV2 ? 2 : 0;
  if (tokens.size() < kTokensOfV1) {
    return {};
  }
  return {number_of<std::uint64_t>(tokens[5 + shift]), number_of<std::uint64_t>(tokens[8 + shift])};
}

// The error member of an API answer, as ours.
Result<json::Value> checked(const std::string& answer) {
  auto value = json::parse(answer);
  if (!value.ok()) {
    return Error(Code::Unavailable, "JetStream's answer could not be read; try again")
        .with_detail(answer);
  }
  const json::Value* error = value.value().find("error");
  if (error == nullptr) {
    return value;
  }
  const auto* number = error->find("err_code");
  const auto code = number != nullptr ? number->as_int().value_or(0) : 0;
  const std::string detail = error->text_or("description", "") + " (" + std::to_string(code) + ")";
  // Storage limits: 10047 insufficient storage, 10077 maximum bytes or messages exceeded, 10122 max
  // stream bytes.
  const bool full = detail.find("exceeded") != std::string::npos || code == 10047 || code == 10077;
  if (code == kStreamNameInUse) {
    return Error(Code::Conflict, "the durable stream exists with other settings")
        .with_detail(detail);
  }
  return Error(
             full ? Code::Exhausted : Code::Unavailable,
             full ? "the durable stream is full; retry later"
                  : "JetStream refused; check that it is enabled, then try again"
  )
      .with_detail(detail);
}

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

// A pull consumer: asks for messages in batches, hands out what came.
class NatsConsumer final : public DurableConsumer {
 public:
  NatsConsumer(
      std::shared_ptr<NatsLink> link,
      async::Clock* clock,
      std::string inbox,
      std::string next_subject
  )
      : link_(std::move(link)),
        clock_(clock),
        inbox_(std::move(inbox)),
        next_subject_(std::move(next_subject)) {}

  NatsConsumer(const NatsConsumer&) = delete;
  NatsConsumer& operator=(const NatsConsumer&) = delete;
  NatsConsumer(NatsConsumer&&) = delete;
  NatsConsumer& operator=(NatsConsumer&&) = delete;

  ~NatsConsumer() override {
    subscription_.reset();
    for (const std::string& token : unacknowledged_) {
      if (!link_->publish(token, "", "-NAK").ok()) {
        return;  // without a connection the server notices by itself
      }
    }
  }

  Result<void> start() {
    SLUICE_TRY(subscription_, link_->subscribe(inbox_, "", [this](const NatsMessage& message) {
      on_message(message);
    }));
    return {};
  }

  Async<std::vector<DurableMessage>> fetch(std::size_t count, std::chrono::milliseconds wait)
      override {
    count = std::clamp<std::size_t>(count, 1, kFetchMessagesMax);
    const TimePoint until = clock_->now() + wait;
    while (buffer_.empty() && clock_->now() < until) {
      if (!link_->connected()) {
        co_return Error(Code::Unavailable, "not connected to the bus; try again");
      }
      if (!stopped_) {
        SLUICE_CO_CHECK_OK(ask(count, wait));
      }
      const TimePoint wake = stopped_ ? until : std::min(until, asked_until_);
      SLUICE_CO_CHECK_OK(co_await wait_for_arrival(wake));
    }
    if (!buffer_.empty() && buffer_.size() < count && wait.count() > 0) {
      SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock_, kFetchGather));
    }
    std::vector<DurableMessage> messages;
    while (!buffer_.empty() && messages.size() < count) {
      messages.push_back(std::move(buffer_.front()));
      buffer_.pop_front();
    }
    co_return messages;
  }

  Async<void> acknowledge(std::vector<DurableMessage> messages) override {
    for (const DurableMessage& message : messages) {
      SLUICE_CO_CHECK_OK(link_->publish(acknowledgement_of(message), "", "+ACK"));
      unacknowledged_.erase(std::string(acknowledgement_of(message)));
    }
    co_return Result<void>();
  }

  void stop() override {
    stopped_ = true;
    subscription_->stop();
  }

  [[nodiscard]] std::uint64_t pending() const override { return pending_ + buffer_.size(); }

 private:
  // One request is open at a time; what it still has to bring is not asked for again before it ran
  // out.
  Result<void> ask(std::size_t count, std::chrono::milliseconds wait) {
    const TimePoint now = clock_->now();
    if (asked_ > 0 && now < asked_until_) {
      return {};
    }
    json::Object body;
    body.set("batch", static_cast<std::int64_t>(count));
    body.set("expires", wait.count() * kNanosecondsPerMillisecond);
    SLUICE_CHECK_OK(link_->publish(next_subject_, inbox_, json::write(body)));
    asked_ = count;
    asked_until_ = now + wait;
    return {};
  }

  Async<void> wait_for_arrival(TimePoint until) {
    async::OneShot<void> arrival;
    arrival_ = &arrival;
    const auto timer = clock_->schedule(until, [&arrival] { arrival.set({}); });
    const auto woken = co_await arrival.wait();
    arrival_ = nullptr;
    co_return woken;
  }

  void on_message(const NatsMessage& message) {
    if (message.delivery.reply.starts_with("$JS.ACK.")) {
      const AckSubject ack = parse_ack(message.delivery.reply);
      buffer_.push_back(
          {std::string(message.delivery.bytes),
           ack.stream_sequence,
           durable_token(message.delivery.subject, message.delivery.reply)}
      );
      unacknowledged_.insert(std::string(message.delivery.reply));
      pending_ = ack.pending;
      asked_ -= std::min<std::size_t>(asked_, 1);
    } else {
      asked_ = 0;  // 404 none, 408 expired, 409 limits, or nobody there: the request is over
      if (message.status == "404" || message.status == "408") {
        pending_ = 0;
      }
    }
    if (arrival_ != nullptr) {
      std::exchange(arrival_, nullptr)->set({});
    }
  }

  std::shared_ptr<NatsLink> link_;
  async::Clock* clock_;
  std::string inbox_;
  std::string next_subject_;
  std::unique_ptr<Subscription> subscription_;
  std::deque<DurableMessage> buffer_;
  std::set<std::string> unacknowledged_;  // ack tokens; at most what the server lets be open
  std::size_t asked_ = 0;
  TimePoint asked_until_;
  std::uint64_t pending_ = 0;
  bool stopped_ = false;
  async::OneShot<void>* arrival_ = nullptr;
};

}  // namespace

NatsDurable::NatsDurable(std::shared_ptr<NatsLink> link, async::Clock* clock, std::string inbox)
    : link_(std::move(link)), clock_(clock), inbox_(std::move(inbox)) {}

Result<void> NatsDurable::subscribe_inbox() {
  if (subscription_ == nullptr) {
    SLUICE_TRY(
        subscription_,
        link_->subscribe(
            inbox_ + "*", "", [this](const NatsMessage& message) { on_answer(message); }
        )
    );
  }
  return {};
}

void NatsDurable::on_answer(const NatsMessage& message) {
  if (message.delivery.no_responders) {
    // It does not say to which; without a stream none of them is stored, and producers send again.
    fail_all("no durable stream takes this subject yet; retry later");
    return;
  }
  const auto token =
      message.delivery.subject.substr(std::min(inbox_.size(), message.delivery.subject.size()));
  const auto place = waiting_.find(number_of<std::uint64_t>(token));
  if (place == waiting_.end()) {
    return;
  }
  auto* const answer = place->second;
  waiting_.erase(place);
  answer->set(std::string(message.delivery.bytes));
}

void NatsDurable::fail_all(const char* why) {
  for (const auto& [number, answer] : std::exchange(waiting_, {})) {
    answer->set(Error(Code::Unavailable, why));
  }
}

Async<std::string> NatsDurable::request(
    std::string subject, std::string bytes, TimePoint deadline
) {
  SLUICE_CO_CHECK_OK(subscribe_inbox());
  const std::uint64_t number = next_++;
  async::OneShot<std::string> answer;
  waiting_.emplace(number, &answer);
  const auto timer = clock_->schedule(deadline, [&answer] {
    answer.set(Error(Code::Deadline, "JetStream did not answer in time; try again"));
  });
  if (auto sent = link_->publish(subject, inbox_ + std::to_string(number), bytes); !sent.ok()) {
    waiting_.erase(number);
    co_return std::move(sent).error();
  }
  auto result = co_await answer.wait();
  waiting_.erase(number);
  co_return result;
}

Async<void> NatsDurable::publish(std::string subject, std::string bytes, TimePoint deadline) {
  SLUICE_CO_TRY(
      const std::string answer, co_await request(std::move(subject), std::move(bytes), deadline)
  );
  SLUICE_CO_TRY(const json::Value acknowledged, checked(answer));
  if (acknowledged.find("seq") == nullptr) {
    co_return Error(Code::Unavailable, "the message was not stored; try again").with_detail(answer);
  }
  co_return Result<void>();
}

void NatsDurable::connection_lost() {
  fail_all("the connection to the bus was lost; try again");
}

Async<std::unique_ptr<DurableConsumer>> NatsDurable::consume(
    std::string stream, std::string subject, std::string consumer
) {
  json::Object settings;
  settings.set("name", stream);
  settings.set("subjects", json::Array{json::Value(subject)});
  settings.set("retention", "limits");
  settings.set("discard", "new");
  settings.set("storage", "file");
  settings.set("max_bytes", link_->options().stream_bytes_max);
  settings.set("num_replicas", 1);
  const TimePoint deadline = clock_->now() + kStreamApiTimeout;
  SLUICE_CO_TRY(
      const std::string made,
      co_await request("$JS.API.STREAM.CREATE." + stream, json::write(settings), deadline)
  );
  auto stored = checked(made);
  if (!stored.ok() && stored.error().code() == Code::Conflict) {
    // Made by another version, with other subjects or limits.
    SLUICE_CO_TRY(
        const std::string updated,
        co_await request("$JS.API.STREAM.UPDATE." + stream, json::write(settings), deadline)
    );
    stored = checked(updated);
  }
  if (!stored.ok()) {
    co_return std::move(stored).error();
  }

  json::Object pull;
  pull.set("durable_name", consumer);
  pull.set("deliver_policy", "all");
  pull.set("ack_policy", "explicit");
  pull.set("ack_wait", link_->options().ack_wait.count() * kNanosecondsPerMillisecond);
  pull.set("max_deliver", -1);
  pull.set("max_ack_pending", static_cast<std::int64_t>(kFetchMessagesMax * 10));
  json::Object creation;
  creation.set("stream_name", stream);
  creation.set("config", pull);
  SLUICE_CO_TRY(
      const std::string bound,
      co_await request(
          "$JS.API.CONSUMER.DURABLE.CREATE." + stream + "." + consumer,
          json::write(creation),
          clock_->now() + kStreamApiTimeout
      )
  );
  SLUICE_CO_TRY(const json::Value ignored, checked(bound));
  static_cast<void>(ignored);
  auto made_consumer = std::make_unique<NatsConsumer>(
      link_,
      clock_,
      inbox_ + "fetch." + std::to_string(next_++),
      "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer
  );
  SLUICE_CO_CHECK_OK(made_consumer->start());
  co_return std::unique_ptr<DurableConsumer>(std::move(made_consumer));
}

}  // namespace sluice::bus
