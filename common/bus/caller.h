// Caller: the asking half of the bus: calls and streams under way, their inboxes, deadlines and
// credit. Used inside the bus.
#pragma once

#include "common/async/one_shot.h"
#include "common/bus/timeouts.h"
#include "common/bus/wire.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::bus {

struct Outgoing;  // one request under way

class Caller : public std::enable_shared_from_this<Caller> {
 public:
  Caller(Wire* wire, Timeouts* timeouts) : wire_(wire), timeouts_(timeouts) {}

  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  Caller(Caller&&) = delete;
  Caller& operator=(Caller&&) = delete;
  ~Caller();

  Async<std::string> call(Target target, std::string payload, RequestContext context);
  Async<std::unique_ptr<RawStream>> open(
      Target target, std::string payload, RequestContext context
  );

  // Everything under way ends with Unavailable: its answers may be lost.
  void connection_lost();

  [[nodiscard]] std::size_t in_flight() const { return requests_.size(); }

 private:
  class StreamEnd;

  // Where a request's reply subject points: "<prefix>n<lane>". Only the server itself ever sends
  // there, to say that nobody listens; so that tells which request it was. Lanes are used again.
  struct Lane {
    Outgoing* request = nullptr;
    std::unique_ptr<Subscription> subscription;
  };

  // Replies of one callee: one literal subject, "<prefix>r".
  struct Inbox {
    std::string callee;
    std::string prefix;  // "_INBOX.<caller>.<callee>.<instance>."
    std::unique_ptr<Subscription> subscription;
    std::vector<Lane> lanes;
    std::vector<std::uint32_t> free_lanes;
  };

  Result<Inbox*> inbox_of(std::string_view callee);
  // Registers and publishes a request. Errors: Exhausted, and those of Wire::send.
  Result<std::shared_ptr<Outgoing>> begin(
      const Target& target, const std::string& payload, const RequestContext& context
  );
  Async<std::string> attempt(
      const Target* target, const std::string* payload, RequestContext context
  );

  void on_delivery(Inbox* inbox, const Delivery& delivery);
  Result<std::uint32_t> take_lane(Inbox* inbox);
  void on_reply(Outgoing* request, const Frame& frame);
  void on_chunk(Outgoing* request, const Frame& frame);
  void on_unknown(const Inbox& inbox, CorrelationId id, const Frame& frame);

  // Takes the request out and hands the result over. The request may be gone afterwards.
  void finish(Outgoing* request, Result<std::string> result);
  void finish_and_cancel(Outgoing* request, Error error);
  void forget(Outgoing* request);
  // The waiting side lost interest.
  void abandon(Outgoing* request);
  void consumed(Outgoing* request, std::size_t bytes);
  void send_credit(Outgoing* request);
  void send_cancel(std::string_view callee, std::string_view instance, CorrelationId id);
  void check(Outgoing* request, TimePoint now);
  void watch(Outgoing* request);

  friend struct Outgoing;

  Wire* wire_;
  Timeouts* timeouts_;
  std::unordered_map<std::string, std::unique_ptr<Inbox>> inboxes_;
  std::unordered_map<CorrelationId, std::shared_ptr<Outgoing>, CorrelationHash> requests_;
};

}  // namespace sluice::bus
