// Wire: what the calling and the answering half of the bus share: sending frames, correlation ids,
// counters. Used inside the bus.
#pragma once

#include "common/bus/bus.h"
#include "common/bus/envelope.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::bus {

struct CorrelationId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const CorrelationId&, const CorrelationId&) = default;

  // Sixteen bytes, as in an envelope.
  [[nodiscard]] std::string bytes() const;
  // nullopt when these are not sixteen bytes.
  [[nodiscard]] static std::optional<CorrelationId> parse(std::string_view bytes);
};

struct CorrelationHash {
  std::size_t operator()(const CorrelationId& id) const noexcept {
    return static_cast<std::size_t>(id.low);  // random already
  }
};

// A service's token in its subjects ("policy" of "policy-engine"); empty for a service that owns
// none.
[[nodiscard]] std::string_view owner_token(std::string_view service);
// The subject on which an instance of a service takes credit and cancel.
[[nodiscard]] std::string control_subject(std::string_view service, std::string_view instance);
// Letters, digits, '-' and '_', at most kInstanceBytesMax of them.
[[nodiscard]] bool is_token(std::string_view text);

class Wire {
 public:
  explicit Wire(Bus::Deps deps);

  [[nodiscard]] const Bus::Deps& deps() const { return deps_; }

  [[nodiscard]] TimePoint now() const { return deps_.clock->now(); }

  // An id nobody can guess.
  [[nodiscard]] CorrelationId make_id();

  // The envelope to fill for the next send; emptied.
  [[nodiscard]] common::v1::Envelope& fresh_envelope(common::v1::Kind kind, CorrelationId id);

  // Errors: Invalid (too large), Unavailable, Exhausted.
  Result<void> send(
      std::string_view subject,
      std::string_view reply,
      const common::v1::Envelope& envelope,
      std::string_view payload
  );

  // Parses a delivery; a bad one is counted and dropped.
  [[nodiscard]] std::optional<Frame> receive(const Delivery& delivery);

  // A frame that does not belong here; counted by reason.
  void refuse(const char* reason);
  // An exception that left a handler.
  [[nodiscard]] Error uncaught(std::string_view where, std::string_view what);

 private:
  Bus::Deps deps_;
  common::v1::Envelope envelope_;
  std::string frame_;
  std::string random_;  // bytes not used yet
};

}  // namespace sluice::bus
