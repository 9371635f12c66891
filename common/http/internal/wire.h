// One connection's bytes in both directions: a receive buffer that is filled while there is room,
// and an output queue that is written at once where the socket takes it and waits for the socket
// only when it does not. Knows nothing of HTTP.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"
#include "common/http/internal/stream.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

// Life: made with a stream, start_reading(), close(). Held by shared_ptr: pending operations keep
// it. Thread: the loop's.
class Wire : public StreamEvents, public std::enable_shared_from_this<Wire> {
 public:
  struct Options {
    std::size_t receive_bytes = 16 << 10;
    std::chrono::milliseconds write_timeout{30000};  // without progress
  };

  Wire(Executor executor, async::Clock* clock, Options options);
  ~Wire() override;

  // The stream, once connected (and through its handshake).
  void attach(std::unique_ptr<Stream> stream);
  void start_reading();

  // Hands everything to the socket, in order. Errors: Unavailable (connection broken), Cancelled.
  Async<void> send(std::string head, std::string body);
  // Queues bytes; whatever is queued in one turn of the loop leaves in one write.
  void push(std::string_view bytes);
  // Waits until at most that many queued bytes are left. Errors: as send.
  Async<void> until_queued_at_most(std::size_t bytes);

  // Ends pending operations; no hook is called any more.
  void close();

  [[nodiscard]] bool closed() const { return closed_; }

  // Of a write that makes no progress; max() when none is pending.
  [[nodiscard]] TimePoint write_deadline() const { return write_deadline_; }

  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }

  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

 protected:
  [[nodiscard]] std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  void consume(std::size_t bytes);
  void end_output();

  // New bytes in unread().
  virtual void on_bytes() = 0;
  // The peer is gone: its end of file (clean), or an error of reading or writing. Once.
  virtual void on_peer_gone(bool clean) = 0;
  // A write got stuck: write_deadline() is set.
  virtual void on_write_pending() = 0;

 private:
  void on_read(boost::system::error_code error, std::size_t bytes) override;
  void on_written(boost::system::error_code error, std::size_t bytes) override;
  void read_more();
  void flush();
  void write_rest();
  void broken(bool clean);
  void wake_if_drained();

  [[nodiscard]] std::size_t queued() const { return queue_.size() + (writing_.size() - written_); }

  Executor executor_;
  async::Clock* clock_;
  Options options_;
  std::unique_ptr<Stream> stream_;

  std::unique_ptr<char[]> buffer_;  // NOLINT: fixed size, never initialised
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool reading_ = false;
  bool in_hook_ = false;
  bool started_ = false;

  std::string writing_;  // in the hands of the stream
  std::size_t written_ = 0;
  std::string queue_;  // behind it
  bool write_pending_ = false;
  bool flush_posted_ = false;
  TimePoint write_deadline_ = TimePoint::max();
  std::size_t wanted_ = 0;  // queue length the waiter wants
  std::optional<async::OneShot<void>> drained_;

  bool closed_ = false;
  bool gone_ = false;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace sluice::http
