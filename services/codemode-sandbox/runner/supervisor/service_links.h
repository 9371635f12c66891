// ServiceLinks: the connections to all service instances that have a socket in the folder; one
// DEALER each, with beats both ways.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/dealer.h"
#include "services/codemode-sandbox/runner/supervisor/event_loop.h"
#include "services/codemode-sandbox/runner/supervisor/peer_watch.h"
#include "services/codemode-sandbox/runner/supervisor/ports.h"
#include "services/codemode-sandbox/runner/supervisor/socket_folder.h"

#include "common/observability/log.h"

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace sluice::codemode_runner {

class ServiceLinks final : public Services {
 public:
  struct Deps {
    EventLoop* loop;  // outlive this
    observability::Log* log;
    std::string folder;
    wire::Ready introduction;  // its free_slots are filled in when it is sent
  };

  // What comes of a turn. Called from turn() only.
  class Events {
   public:
    Events() = default;
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;
    Events(Events&&) = delete;
    Events& operator=(Events&&) = delete;
    virtual ~Events() = default;

    virtual void from_service(ServiceId service, wire::ToRunner message, TimePoint now) = 0;
    // Silent for kSilenceMax, or its socket is gone: nobody waits for what it asked for.
    virtual void service_lost(ServiceId service, TimePoint now) = 0;
    virtual void service_writable(ServiceId service) = 0;
  };

  explicit ServiceLinks(Deps deps);
  ~ServiceLinks() override;

  Pace send(ServiceId service, const wire::ToService& message) override;

  // Reads the folder when that is due, receives and sends what can be, beats. After every turn of
  // the loop, because a DEALER's descriptor tells each change only once.
  void turn(TimePoint now, std::uint32_t free_slots, Events& events);

  // Something was sent since the last turn, or messages were left: a turn is due now.
  [[nodiscard]] bool due() const { return due_; }

  [[nodiscard]] TimePoint next_deadline() const;

  [[nodiscard]] std::size_t size() const { return links_.size(); }

  // Whether everything was handed to ZeroMQ.
  [[nodiscard]] bool flushed() const;

 private:
  struct Link;

  void scan(TimePoint now, Events& events);
  void open(const SocketFile& file, TimePoint now);
  void close(ServiceId service, Link& link, TimePoint now, Events& events);
  void receive(ServiceId service, Link& link, TimePoint now, Events& events);
  static bool flush(Link& link);
  void beat(Link& link, TimePoint now, std::uint32_t free_slots);

  Deps deps_;
  DealerContext context_;
  ServiceId last_id_ = 0;
  TimePoint next_scan_;
  bool due_ = false;
  std::map<ServiceId, std::unique_ptr<Link>> links_;
};

}  // namespace sluice::codemode_runner
