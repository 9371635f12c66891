// Who published a message of a durable stream. Transports know: with each message comes the subject
// it was published on, in front of its acknowledgement token.
#pragma once

#include "common/bus/transport.h"

#include <string>
#include <string_view>

namespace sluice::bus {

// For transports: what DurableMessage::ack_token holds.
[[nodiscard]] inline std::string durable_token(std::string_view subject, std::string_view token) {
  std::string both(subject);
  both += ' ';
  both += token;
  return both;
}

// The token behind the subject.
[[nodiscard]] inline std::string_view acknowledgement_of(const DurableMessage& message) {
  const std::string_view both = message.ack_token;
  return both.substr(both.find(' ') + 1);
}

[[nodiscard]] inline std::string_view subject_of(const DurableMessage& message) {
  const std::string_view both = message.ack_token;
  const auto end = both.find(' ');
  return end == std::string_view::npos ? std::string_view() : both.substr(0, end);
}

}  // namespace sluice::bus
