// Callee: the answering half of the bus: served subjects, requests in flight, their chunks, credit
// and cancellation. Used inside the bus.
#pragma once

#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/bus/timeouts.h"
#include "common/bus/wire.h"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

namespace sluice::bus {

struct Incoming;  // one request being answered

class Callee {
 public:
  // How one subject is answered.
  struct Service {
    std::string subject;
    std::chrono::milliseconds timeout;
    std::variant<RawHandler, RawStreamHandler> handler;
  };

  Callee(Wire* wire, Timeouts* timeouts);
  Callee(const Callee&) = delete;
  Callee& operator=(const Callee&) = delete;
  Callee(Callee&&) = delete;
  Callee& operator=(Callee&&) = delete;
  ~Callee();

  // Until drain.
  Result<void> serve(Service service, std::string queue);
  // Until the Registration goes.
  Result<std::unique_ptr<Registration>> serve_key(Service service, std::string queue);

  Async<void> drain(TimePoint deadline);

  [[nodiscard]] std::size_t in_flight() const { return requests_.size(); }

 private:
  friend struct Incoming;
  class KeyRegistration;

  Result<std::unique_ptr<Subscription>> subscribe(Service service, std::string queue);
  void on_request(const std::shared_ptr<const Service>& service, const Delivery& delivery);
  void on_control(const Delivery& delivery);
  void reject(const std::string& inbox, CorrelationId id, const Error& error);
  // Where answers go: the caller's inbox for this service. nullopt when the reply subject is
  // anything else.
  [[nodiscard]] std::optional<std::string> inbox_of(std::string_view reply) const;

  Async<void> run(
      std::shared_ptr<const Service> service,
      std::shared_ptr<Incoming> request,
      std::string payload,
      RequestContext context
  );
  void answer(Incoming* request, Result<std::string> result);

  Async<void> write_chunk(Incoming* request, std::string payload);
  Result<void> send_open(Incoming* request);
  void check(Incoming* request, TimePoint now);
  void watch(Incoming* request);
  void cancel(Incoming* request);

  Wire* wire_;
  Timeouts* timeouts_;
  async::TaskGroup tasks_;
  std::unordered_map<CorrelationId, std::shared_ptr<Incoming>, CorrelationHash> requests_;
  std::list<std::unique_ptr<Subscription>> served_;
  std::list<KeyRegistration*> keys_;
  std::unique_ptr<Subscription> control_;
  std::shared_ptr<Callee*> self_;  // tells registrations that this is still here
};

}  // namespace sluice::bus
