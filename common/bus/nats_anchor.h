// NatsLink::Anchor: nats.c's callbacks and what they need. Used by NatsLink only.
#pragma once

#include "common/bus/nats_link.h"

#include <boost/asio/post.hpp>
#include <nats/nats.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace sluice::bus {

// What nats.c's callbacks know: where to post, and two flags they set. Lives as long as any
// callback may come.
class NatsLink::Anchor {
 public:
  Anchor(Executor executor_in, std::weak_ptr<NatsLink> link_in)
      : link(std::move(link_in)), executor_(std::move(executor_in)) {}

  // From any thread. False after shut(): the loop may be gone then, although nats.c still calls
  // back.
  template <class Callable>
  bool post(Callable callable) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!open_) {
      return false;
    }
    boost::asio::post(executor_, [weak = link, callable = std::move(callable)] {
      if (const auto alive = weak.lock()) {
        callable(*alive);
      }
    });
    return true;
  }

  // Nothing is posted once this returned. nats.c's last callbacks come on a thread of its own, at a
  // time of its own.
  void shut() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = false;
  }

  std::weak_ptr<NatsLink> link;
  std::atomic<std::uint64_t> generation{0};  // of the socket attached last
  std::atomic<bool> write_wanted{false};
  std::atomic<bool> write_posted{false};

  static Anchor& of(void* pointer) { return **static_cast<std::shared_ptr<Anchor>*>(pointer); }

  static natsStatus on_attach(void** data, void* loop, natsConnection* connection, natsSock socket);
  static natsStatus on_read(void* data, bool add);
  static natsStatus on_write(void* data, bool add);
  static natsStatus on_detach(void* data);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* closure);
  static void on_disconnected(natsConnection* connection, void* closure);
  static void on_reconnected(natsConnection* connection, void* closure);
  static void on_closed(natsConnection* connection, void* closure);

 private:
  std::mutex mutex_;
  bool open_ = true;
  Executor executor_;
};

}  // namespace sluice::bus
