#include "common/http/internal/wire.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <cstring>

namespace sluice::http {
namespace {

Error connection_lost() {
  return {Code::Unavailable, "the connection was closed by the other side"};
}

}  // namespace

Wire::Wire(Executor executor, async::Clock* clock, Options options)
    : executor_(std::move(executor)), clock_(clock), options_(options) {}

Wire::~Wire() = default;

void Wire::attach(std::unique_ptr<Stream> stream) {
  stream_ = std::move(stream);
}

void Wire::start_reading() {
  if (buffer_ == nullptr) {
    buffer_ = std::make_unique_for_overwrite<char[]>(options_.receive_bytes);  // NOLINT
  }
  started_ = true;
  read_more();
}

void Wire::read_more() {
  if (reading_ || closed_ || gone_ || !started_) {
    return;
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && end_ > options_.receive_bytes / 2) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == options_.receive_bytes) {
    return;  // consume() goes on
  }
  reading_ = true;
  stream_->read_some(buffer_.get() + end_, options_.receive_bytes - end_, shared_from_this());
}

void Wire::on_read(boost::system::error_code error, std::size_t bytes) {
  reading_ = false;
  if (closed_) {
    return;
  }
  if (error) {
    broken(error == boost::asio::error::eof);
    return;
  }
  end_ += bytes;
  bytes_received_ += bytes;
  in_hook_ = true;
  on_bytes();
  in_hook_ = false;
  read_more();
}

void Wire::consume(std::size_t bytes) {
  begin_ += bytes;
  if (!in_hook_) {
    read_more();
  }
}

Async<void> Wire::send(std::string head, std::string body) {
  if (closed_ || gone_) {
    co_return connection_lost();
  }
  if (!write_pending_ && queue_.empty()) {
    boost::system::error_code error;
    const std::size_t total = head.size() + body.size();
    const std::size_t sent = stream_->try_write(head, body, error);
    if (error) {
      broken(false);
      co_return connection_lost();
    }
    bytes_sent_ += sent;
    if (sent == total) {
      co_return Result<void>();
    }
    if (sent < head.size()) {
      writing_ = std::move(head);
      written_ = sent;
      queue_ = std::move(body);
    } else {
      writing_ = std::move(body);
      written_ = sent - head.size();
    }
    write_rest();
  } else {
    queue_.append(head).append(body);
  }
  co_return co_await until_queued_at_most(0);
}

void Wire::push(std::string_view bytes) {
  if (closed_ || gone_) {
    return;
  }
  queue_.append(bytes);
  if (write_pending_ || flush_posted_) {
    return;
  }
  flush_posted_ = true;
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void Wire::flush() {
  if (closed_ || gone_ || write_pending_ || queue_.empty()) {
    return;
  }
  boost::system::error_code error;
  const std::size_t sent = stream_->try_write(queue_, {}, error);
  if (error) {
    broken(false);
    return;
  }
  bytes_sent_ += sent;
  if (sent == queue_.size()) {
    queue_.clear();
    wake_if_drained();
    return;
  }
  std::swap(writing_, queue_);
  queue_.clear();
  written_ = sent;
  write_rest();
}

void Wire::write_rest() {
  write_pending_ = true;
  write_deadline_ = clock_->now() + options_.write_timeout;
  stream_->write_some(std::string_view(writing_).substr(written_), shared_from_this());
  on_write_pending();
}

void Wire::on_written(boost::system::error_code error, std::size_t bytes) {
  write_pending_ = false;
  write_deadline_ = TimePoint::max();
  if (closed_) {
    return;
  }
  if (error) {
    broken(false);
    return;
  }
  written_ += bytes;
  bytes_sent_ += bytes;
  if (written_ < writing_.size()) {
    write_rest();
  } else {
    writing_.clear();
    written_ = 0;
    flush();
  }
  wake_if_drained();
}

Async<void> Wire::until_queued_at_most(std::size_t bytes) {
  if (bytes == 0) {
    flush();  // not at the end of the turn, but now
  }
  while (!closed_ && !gone_ && queued() > bytes) {
    wanted_ = bytes;
    drained_.emplace();
    const auto woken = co_await drained_->wait();
    drained_.reset();
    SLUICE_CO_CHECK_OK(woken);
  }
  if (closed_ || gone_) {
    co_return connection_lost();
  }
  co_return Result<void>();
}

void Wire::wake_if_drained() {
  if (drained_.has_value() && queued() <= wanted_) {
    drained_->set({});
  }
}

void Wire::broken(bool clean) {
  if (gone_) {
    return;
  }
  gone_ = true;
  if (drained_.has_value()) {
    drained_->set({});
  }
  on_peer_gone(clean);
}

void Wire::end_output() {
  if (!closed_ && !gone_) {
    stream_->end_output();
  }
}

void Wire::close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  if (stream_ != nullptr) {
    stream_->close();
  }
  if (drained_.has_value()) {
    drained_->set({});
  }
}

}  // namespace sluice::http
