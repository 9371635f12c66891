#include "common/bus/nats_bus.h"

#include "common/bus/limits.h"
#include "common/bus/nats_durable.h"
#include "common/bus/nats_link.h"
#include "common/bus/wire.h"
#include "common/crypto/random.h"

namespace sluice::bus {
namespace {

class NatsTransport final : public Transport {
 public:
  NatsTransport(
      std::shared_ptr<NatsLink> link, async::Clock* clock, std::string service, std::string instance
  )
      : link_(std::move(link)),
        clock_(clock),
        service_(std::move(service)),
        instance_(std::move(instance)),
        durable_(link_, clock, "_INBOX." + service_ + ".jetstream." + instance_ + ".") {
    link_->on_connection([this](bool connected) {
      if (!connected) {
        durable_.connection_lost();
      }
      if (on_connection_) {
        on_connection_(connected);
      }
    });
  }

  NatsTransport(const NatsTransport&) = delete;
  NatsTransport& operator=(const NatsTransport&) = delete;
  NatsTransport(NatsTransport&&) = delete;
  NatsTransport& operator=(NatsTransport&&) = delete;

  ~NatsTransport() override {
    link_->on_connection({});
    link_->on_violation({});
    link_->close();
  }

  Result<void> publish(std::string_view subject, std::string_view reply, std::string_view bytes)
      override {
    return link_->publish(subject, reply, bytes);
  }

  Result<std::unique_ptr<Subscription>> subscribe(std::string subject, std::string queue, Sink sink)
      override {
    return link_->subscribe(subject, queue, [sink = std::move(sink)](const NatsMessage& message) {
      sink(message.delivery);
    });
  }

  Async<void> publish_durable(std::string subject, std::string bytes, TimePoint deadline) override {
    return durable_.publish(std::move(subject), std::move(bytes), deadline);
  }

  Async<std::unique_ptr<DurableConsumer>> consume(
      std::string stream, std::string subject, std::string consumer
  ) override {
    return durable_.consume(std::move(stream), std::move(subject), std::move(consumer));
  }

  [[nodiscard]] std::size_t payload_bytes_max() const override {
    return link_->payload_bytes_max();
  }

  [[nodiscard]] bool connected() const override { return link_->connected(); }

  void on_violation(std::function<void(std::string_view)> callback) override {
    link_->on_violation(std::move(callback));
  }

  void on_connection(std::function<void(bool)> callback) override {
    on_connection_ = std::move(callback);
  }

  // A message to ourselves: the server sends it after everything it sent before it took the
  // unsubscriptions.
  Async<void> settle() override {
    if (!link_->connected()) {
      co_return Result<void>();
    }
    async::OneShot<void> back;
    const std::string subject = "_INBOX." + service_ + "." + service_ + "." + instance_ + ".settle";
    SLUICE_CO_TRY(
        const auto subscription,
        link_->subscribe(subject, "", [&back](const NatsMessage&) { back.set({}); })
    );
    SLUICE_CO_CHECK_OK(link_->publish(subject, "", ""));
    const auto timer = clock_->schedule(clock_->now() + kSettleMax, [&back] { back.set({}); });
    const auto settled = co_await back.wait();
    link_->deliver();
    co_return settled;
  }

  Async<void> close() override {
    const auto flushed = co_await link_->flush(kCloseFlushMax);
    link_->close();
    co_return flushed;
  }

 private:
  std::shared_ptr<NatsLink> link_;
  async::Clock* clock_;
  std::string service_;
  std::string instance_;
  NatsDurable durable_;
  std::function<void(bool)> on_connection_;
};

}  // namespace

Async<std::unique_ptr<Transport>> connect_nats(
    Executor executor, async::Clock* clock, observability::Log* log, NatsOptions options
) {
  const auto slash = options.name.find('/');
  std::string service = options.user.empty() ? options.name.substr(0, slash) : options.user;
  std::string instance = slash == std::string::npos ? "" : options.name.substr(slash + 1);
  if (!is_token(instance)) {
    instance = "i" + std::to_string(crypto::random_u64());
  }
  const auto link = std::make_shared<NatsLink>(std::move(executor), log, std::move(options));
  SLUICE_CO_CHECK_OK(co_await link->connect());
  co_return std::unique_ptr<Transport>(
      std::make_unique<NatsTransport>(link, clock, std::move(service), std::move(instance))
  );
}

}  // namespace sluice::bus
