#include "common/http/internal/client_connection.h"

namespace sluice::http {

// 32 KiB: most completions and every SSE read fit.
ClientConnection::ClientConnection(
    Executor loop, async::Clock* clock, ConnectionOwner* owner, std::string pool_key
)
    : Wire(std::move(loop), clock, {.receive_bytes = 32 << 10}),
      owner_(owner),
      pool_key_(std::move(pool_key)) {}

void ClientConnection::begin(TimePoint deadline) {
  idle_ = false;
  ++exchanges_;
  sent_before_ = bytes_sent();
  received_before_ = bytes_received();
  deadline_ = deadline;
  if (owner_ != nullptr) {
    owner_->on_deadline_set(deadline);
  }
}

void ClientConnection::rest(TimePoint deadline) {
  idle_ = true;
  deadline_ = deadline;
  if (owner_ != nullptr) {
    owner_->on_deadline_set(deadline);
  }
}

Async<void> ClientConnection::more() {
  if (expired_) {
    co_return Error(
        Code::Deadline, "the server did not answer in time (after the request was sent)"
    );
  }
  if (!unread().empty() || ended_ || closed()) {
    co_return Result<void>();
  }
  waiter_.emplace();
  const auto woken = co_await waiter_->wait();
  waiter_.reset();
  SLUICE_CO_CHECK_OK(woken);
  if (expired_) {
    co_return Error(
        Code::Deadline, "the server did not answer in time (after the request was sent)"
    );
  }
  co_return Result<void>();
}

void ClientConnection::wake() {
  if (waiter_.has_value()) {
    waiter_->set_now({});
  }
}

void ClientConnection::on_bytes() {
  if (idle_) {
    if (owner_ != nullptr) {
      owner_->on_idle_ended(this);
    }
    return;
  }
  wake();
}

void ClientConnection::on_peer_gone(bool clean) {
  ended_ = true;
  ended_cleanly_ = clean;
  if (idle_) {
    if (owner_ != nullptr) {
      owner_->on_idle_ended(this);
    }
    return;
  }
  wake();
}

void ClientConnection::on_write_pending() {
  if (owner_ != nullptr) {
    owner_->on_deadline_set(write_deadline());
  }
}

void ClientConnection::expire() {
  expired_ = true;
  deadline_ = TimePoint::max();
  close();
  if (waiter_.has_value()) {
    waiter_->set({});
  }
}

void ClientConnection::disown() {
  owner_ = nullptr;
  close();
  ended_ = true;
  if (waiter_.has_value()) {
    waiter_->set({});
  }
}

}  // namespace sluice::http
