#include "services/codemode-sandbox/adapters/runner_link.h"

#include "services/codemode-sandbox/adapters/socket_directory.h"
#include "services/codemode-sandbox/limits.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <zmq.hpp>

#include <cerrno>
#include <optional>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

using boost::asio::posix::stream_descriptor;

// A peer's name and one message; anything else is no message of a runner.
struct Received {
  std::string peer;
  std::string bytes;
  bool whole = false;
};

}  // namespace

struct RunnerLink::Body : std::enable_shared_from_this<Body> {
  Body(Executor with, observability::Log* to, SocketPlace at)
      : executor(std::move(with)), log(to), place(std::move(at)), context(1), notified(executor) {}

  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  Body(Body&&) = delete;
  Body& operator=(Body&&) = delete;

  ~Body() {
    if (notified.is_open()) {
      notified.release();  // the descriptor is ZeroMQ's
    }
  }

  void open() {
    socket.emplace(context, zmq::socket_type::router);
    socket->set(zmq::sockopt::linger, 0);
    socket->set(zmq::sockopt::router_mandatory, true);
    socket->set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kRunnerMessageBytesMax));
    socket->set(zmq::sockopt::rcvhwm, kRunnerQueueMessages);
    socket->set(zmq::sockopt::sndhwm, kRunnerQueueMessages);
    socket->bind("ipc://" + place.socket_path());
    notified.assign(socket->get(zmq::sockopt::fd));
  }

  // The next message, or nothing when there is none now.
  std::optional<Received> receive() {
    zmq::message_t frame;
    if (!socket->recv(frame, zmq::recv_flags::dontwait)) {
      return std::nullopt;
    }
    Received received;
    received.peer = frame.to_string();
    int frames = 1;
    while (frame.more()) {  // the frames of one message are there together
      if (!socket->recv(frame, zmq::recv_flags::dontwait)) {
        break;
      }
      if (++frames == 2) {
        received.bytes.assign(frame.data<char>(), frame.size());
      }
    }
    received.whole = frames == 2;
    return received;
  }

  // Takes what has come, a bounded part of it at once. True: there may be more.
  bool take() {
    for (int taken = 0; taken < kMessagesPerTurnMax; ++taken) {
      const auto received = receive();
      if (!received) {
        return false;
      }
      if (received->whole && dispatcher != nullptr) {
        dispatcher->heard(received->peer, received->bytes);
      }
    }
    return true;
  }

  // ZeroMQ's descriptor signals changes, and any call on the socket may swallow one: after each
  // send what has come is looked at again.
  void look_soon() {
    if (looking || dispatcher == nullptr) {
      return;
    }
    looking = true;
    boost::asio::post(executor, [weak = weak_from_this()] {
      const auto body = weak.lock();
      if (body != nullptr) {
        body->looking = false;
        body->look();
      }
    });
  }

  void look() {
    try {
      if (dispatcher != nullptr && take()) {
        look_soon();
      }
    } catch (const zmq::error_t& error) {
      log->error("runner-socket-failed", {{"error", error.what()}});
    }
  }

  Executor executor;
  observability::Log* log;
  SocketPlace place;
  zmq::context_t context;
  std::optional<zmq::socket_t> socket;  // before the context goes
  stream_descriptor notified;
  Dispatcher* dispatcher = nullptr;
  bool looking = false;
};

RunnerLink::RunnerLink(std::shared_ptr<Body> body) : body_(std::move(body)) {}

RunnerLink::~RunnerLink() {
  body_->dispatcher = nullptr;
}

Result<std::unique_ptr<RunnerLink>> RunnerLink::open(
    Executor executor, observability::Log* log, std::string directory, const std::string& instance
) {
  SLUICE_TRY(auto place, SocketPlace::take(std::move(directory), instance));
  try {
    auto body = std::make_shared<Body>(std::move(executor), log, std::move(place));
    body->open();
    return std::make_unique<RunnerLink>(std::move(body));
  } catch (const zmq::error_t& error) {
    return Error(Code::Unavailable, "the socket of the runners cannot be opened")
        .with_detail(error.what());
  }
}

bool RunnerLink::send(const std::string& peer, const runner::ToRunner& message) {
  const std::string bytes = message.SerializeAsString();
  if (bytes.size() > kRunnerMessageBytesMax) {
    return false;
  }
  body_->look_soon();
  try {
    const auto flags = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    if (!body_->socket->send(zmq::const_buffer(peer.data(), peer.size()), flags)) {
      return false;
    }
    return body_->socket
        ->send(zmq::const_buffer(bytes.data(), bytes.size()), zmq::send_flags::dontwait)
        .has_value();
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) {
      body_->log->warn("runner-send-failed", {{"error", error.what()}});
    }
    return false;
  }
}

Async<void> RunnerLink::run(Dispatcher* dispatcher) {
  const auto body = body_;
  body->dispatcher = dispatcher;
  for (;;) {  // until cancelled
    body->look();
    const auto [code] = co_await body->notified.async_wait(
        stream_descriptor::wait_read, boost::asio::as_tuple(async::kAwait)
    );
    if (code == boost::asio::error::operation_aborted) {
      body->dispatcher = nullptr;
      co_return Error(Code::Cancelled, "the link to the runners is closed");
    }
    if (code) {
      body->dispatcher = nullptr;
      co_return Error(Code::Internal, "the socket of the runners cannot be watched")
          .with_detail(code.message());
    }
  }
}

Async<void> keep_time(Dispatcher* dispatcher, async::Clock* clock) {
  for (;;) {  // until cancelled
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock, kTick));
    dispatcher->tick();
  }
}

}  // namespace sluice::codemode_sandbox
