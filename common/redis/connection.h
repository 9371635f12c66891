// One connection to redis-server, kept up: connect, AUTH, pipelining, replies in order, reconnect
// with backoff. Internal.
#pragma once

#include "common/async/one_shot.h"
#include "common/async/retry.h"
#include "common/redis/client.h"

#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice::redis {

// What the server said to one command.
struct Answer {
  Reply reply;
  std::string refusal;  // an error reply's text, else empty
};

// One command on its way. Shared by the coroutine that waits and the connection.
struct Command {
  std::string bytes;
  async::OneShot<Answer> answer;
  TimePoint sent;
  bool is_sent = false;
  bool abandoned = false;  // nobody waits any more: not sent if it was not yet, its reply dropped
};

// Life: start() … stop(), both idempotent; handlers hold the object alive. Thread: the executor's.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(
      const Executor& executor, async::Clock* clock, observability::Log* log, Options options
  );

  void start();
  void stop();

  // Queues it; its answer always comes: a reply, or an error when the connection or the server
  // fails.
  [[nodiscard]] Result<void> submit(const std::shared_ptr<Command>& command);
  // The command's time is over. A server that answered nothing since it was sent is taken for dead.
  void expired(const Command& command);

  [[nodiscard]] bool ready() const { return state_ == State::Ready; }

  [[nodiscard]] const Options& options() const { return options_; }

  [[nodiscard]] async::Clock* clock() const { return clock_; }

 private:
  enum class State : std::uint8_t { Idle, Connecting, Authenticating, Ready, Waiting, Stopped };
  struct Reader;

  void connect();
  void open(std::uint64_t attempt, const boost::asio::ip::tcp::resolver::results_type& places);
  void opened(std::uint64_t attempt, boost::system::error_code error);
  void authenticate();
  void authenticated(Answer answer);
  void become_ready();
  enum class Unsent : std::uint8_t { Keep, End };
  void fail(const Error& error, Unsent unsent);
  void retry_later();
  void post_flush();
  void flush();
  void write_rest();
  void read();
  void received(std::size_t count);

  Executor executor_;
  async::Clock* clock_;
  observability::Log* log_;
  Options options_;
  async::Backoff backoff_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<async::Timer> timer_;  // of the attempt, or of the wait before the next
  std::shared_ptr<Reader> reader_;
  std::vector<char> input_;
  std::string output_;                              // to be written
  std::string writing_;                             // being written
  std::deque<std::shared_ptr<Command>> waiting_;    // not sent yet
  std::deque<std::shared_ptr<Command>> answering_;  // sent, in order
  State state_ = State::Idle;
  std::uint64_t attempt_ = 0;  // handlers of an older one do nothing
  TimePoint last_received_;
  TimePoint down_since_;
  bool flush_posted_ = false;
  bool is_writing_ = false;
};

// RESP form of a command.
[[nodiscard]] std::string encode(const std::vector<std::string>& words);

}  // namespace sluice::redis
