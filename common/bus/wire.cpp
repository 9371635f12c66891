#include "common/bus/wire.h"

#include "common/bus/limits.h"
#include "common/crypto/random.h"

#include <cstring>

namespace sluice::bus {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kRandomBytes = kIdBytes * 64;  // one system call for 64 ids
constexpr std::size_t kFrameKeptBytes = std::size_t{256} << 10;

}  // namespace

std::string CorrelationId::bytes() const {
  std::string text(kIdBytes, '\0');
  std::memcpy(text.data(), &high, sizeof(high));
  std::memcpy(text.data() + sizeof(high), &low, sizeof(low));
  return text;
}

std::optional<CorrelationId> CorrelationId::parse(std::string_view bytes) {
  if (bytes.size() != kIdBytes) {
    return std::nullopt;
  }
  CorrelationId id;
  std::memcpy(&id.high, bytes.data(), sizeof(id.high));
  std::memcpy(&id.low, bytes.data() + sizeof(id.high), sizeof(id.low));
  return id;
}

std::string_view owner_token(std::string_view service) {
  for (const endpoints::Owner& owner : endpoints::kOwners) {
    if (owner.service == service) {
      return owner.token;
    }
  }
  return {};
}

std::string control_subject(std::string_view service, std::string_view instance) {
  std::string subject(endpoints::kControlPrefix);
  subject += owner_token(service);
  subject += endpoints::kControlInfix;
  subject += instance;
  return subject;
}

bool is_token(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= kInstanceBytesMax &&
         std::all_of(text.begin(), text.end(), fits);
}

Wire::Wire(Bus::Deps deps) : deps_(std::move(deps)) {}

CorrelationId Wire::make_id() {
  if (random_.size() < kIdBytes) {
    random_ = crypto::random_bytes(kRandomBytes);
  }
  const auto id = CorrelationId::parse(std::string_view(random_).substr(random_.size() - kIdBytes));
  random_.resize(random_.size() - kIdBytes);
  return *id;
}

common::v1::Envelope& Wire::fresh_envelope(common::v1::Kind kind, CorrelationId id) {
  envelope_.Clear();
  envelope_.set_kind(kind);
  envelope_.set_correlation_id(id.bytes());
  return envelope_;
}

Result<void> Wire::send(
    std::string_view subject,
    std::string_view reply,
    const common::v1::Envelope& envelope,
    std::string_view payload
) {
  frame_.clear();
  append_frame(frame_, envelope, payload);
  if (frame_.size() - payload.size() > kEnvelopeBytesMax) {
    return Error(Code::Invalid, "the request's context is too large; shorten its ids or token");
  }
  if (frame_.size() > deps_.transport->payload_bytes_max()) {
    return Error(Code::Invalid, "the message is larger than the bus carries; send less at once");
  }
  auto sent = deps_.transport->publish(subject, reply, frame_);
  if (frame_.capacity() > kFrameKeptBytes) {
    frame_ = {};
  }
  return sent;
}

std::optional<Frame> Wire::receive(const Delivery& delivery) {
  auto frame = parse_frame(delivery.bytes);
  if (!frame.ok()) {
    refuse("malformed");
    return std::nullopt;
  }
  return std::move(frame).value();
}

void Wire::refuse(const char* reason) {
  if (deps_.metrics != nullptr) {
    deps_.metrics
        ->counter(
            "sluice_bus_frames_refused_total",
            "Frames that belong to nothing here, by reason",
            {{"reason", reason}}
        )
        .add();
  }
}

Error Wire::uncaught(std::string_view where, std::string_view what) {
  if (deps_.metrics != nullptr) {
    deps_.metrics->counter("sluice_uncaught_total", "Exceptions that left a handler").add();
  }
  if (deps_.log != nullptr) {
    deps_.log->error("handler-threw", {{"subject", where}, {"what", what}});
  }
  return Error(Code::Internal, "the service failed on this request; report it with its request id");
}

}  // namespace sluice::bus
