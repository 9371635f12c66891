#include "services/codemode-sandbox/runner/supervisor/dealer.h"

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include <zmq.hpp>

#include <utility>

namespace sluice::codemode_runner {
namespace {

// At the end, for what was sent last.
constexpr int kLingerMs = 500;
// Between attempts to connect; the folder is read as often.
constexpr int kReconnectMs = 100;
constexpr int kReconnectMaxMs = 1'000;

}  // namespace

struct DealerContext::Body {
  zmq::context_t context{1};
};

DealerContext::DealerContext() : body_(std::make_unique<Body>()) {}

DealerContext::~DealerContext() = default;

struct Dealer::Body {
  explicit Body(zmq::context_t& context) : socket(context, zmq::socket_type::dealer) {}

  zmq::socket_t socket;
};

Dealer::Dealer(std::unique_ptr<Body> body) : body_(std::move(body)) {}

Dealer::~Dealer() = default;

Result<std::unique_ptr<Dealer>> Dealer::connect(
    DealerContext& context, const std::string& endpoint
) {
  try {
    auto body = std::make_unique<Body>(context.body_->context);
    zmq::socket_t& socket = body->socket;
    socket.set(zmq::sockopt::linger, kLingerMs);
    socket.set(zmq::sockopt::immediate, true);  // nothing is kept for a service that is not there
    socket.set(zmq::sockopt::sndhwm, kDealerMessagesMax);
    socket.set(zmq::sockopt::rcvhwm, kDealerMessagesMax);
    socket.set(zmq::sockopt::maxmsgsize, kDealerBytesMax);
    socket.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
    socket.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
    socket.connect(endpoint);
    return std::make_unique<Dealer>(std::move(body));
  } catch (const zmq::error_t& error) {
    return Error(Code::Unavailable, "the service's socket cannot be reached; check its path")
        .with_detail(endpoint + ": " + error.what());
  }
}

int Dealer::descriptor() const {
  return body_->socket.get(zmq::sockopt::fd);
}

bool Dealer::send(const std::string& bytes) {
  try {
    return body_->socket.send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {
    return false;  // no connection and never one again: the caller's watch notices the silence
  }
}

std::optional<std::string> Dealer::receive() {
  try {
    zmq::message_t part;
    do {
      if (!body_->socket.recv(part, zmq::recv_flags::dontwait)) {
        return std::nullopt;
      }
    } while (part.more());
    return part.to_string();
  } catch (const zmq::error_t&) {
    return std::nullopt;
  }
}

}  // namespace sluice::codemode_runner
