#include "common/redis/connection.h"

#include "common/crypto/random.h"
#include "common/redis/limits.h"
#include "common/redis/refusal.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <hiredis/hiredis.h>

#include <utility>

namespace sluice::redis {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

Error lost(std::string_view what) {
  return Error(Code::Unavailable, "redis is not reachable; retry later").with_detail(what);
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

// hiredis nests replies nine deep at most.
Result<Reply> reply_of(const redisReply& raw) {
  switch (raw.type) {
    case REDIS_REPLY_NIL:
      return Reply{};
    case REDIS_REPLY_INTEGER:
      return Reply{std::int64_t{raw.integer}};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return Reply{std::string(raw.str, raw.len)};
    case REDIS_REPLY_ERROR:
      return error_of(std::string_view(raw.str, raw.len));
    case REDIS_REPLY_ARRAY: {
      std::vector<Reply> items;
      items.reserve(raw.elements);
      for (std::size_t i = 0; i < raw.elements; ++i) {
        SLUICE_TRY(Reply item, reply_of(*raw.element[i]));
        items.push_back(std::move(item));
      }
      return Reply{std::move(items)};
    }
    default:
      return Error(Code::Internal, "redis sent a reply of an unknown type");
  }
}

Result<Answer> answer_of(const redisReply& raw) {
  if (raw.type == REDIS_REPLY_ERROR) {
    return Answer{.reply = {}, .refusal = std::string(raw.str, raw.len)};
  }
  SLUICE_TRY(Reply reply, reply_of(raw));
  return Answer{.reply = std::move(reply), .refusal = {}};
}

}  // namespace

struct Connection::Reader {
  std::unique_ptr<redisReader, FreeReader> raw{redisReaderCreate()};
};

std::string encode(const std::vector<std::string>& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n";
    out += word;
    out += "\r\n";
  }
  return out;
}

Connection::Connection(
    const Executor& executor, async::Clock* clock, observability::Log* log, Options options
)
    : executor_(executor),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      backoff_(kReconnect, crypto::random_u64()),
      resolver_(executor),
      socket_(executor),
      input_(kReadBytes) {}

void Connection::start() {
  if (state_ == State::Idle) {
    down_since_ = clock_->now();
    connect();
  }
}

void Connection::stop() {
  if (state_ == State::Stopped) {
    return;
  }
  fail(Error(Code::Unavailable, "the redis connection was closed"), Unsent::End);
  state_ = State::Stopped;
  timer_.reset();
  resolver_.cancel();
}

Result<void> Connection::submit(const std::shared_ptr<Command>& command) {
  if (state_ == State::Stopped) {
    return Error(Code::Unavailable, "the redis connection was closed");
  }
  if (waiting_.size() + answering_.size() >= kCommandsMax ||
      output_.size() + command->bytes.size() > kOutputBytesMax) {
    return Error(Code::Exhausted, "too many redis commands wait; retry later");
  }
  if (state_ == State::Waiting && clock_->now() - down_since_ > options_.command_timeout) {
    return lost("down for longer than one command may wait");
  }
  waiting_.push_back(command);
  if (state_ == State::Ready) {
    post_flush();
  }
  return {};
}

void Connection::expired(const Command& command) {
  if (state_ == State::Ready && command.is_sent && last_received_ < command.sent) {
    fail(lost("no answer within the command's time"), Unsent::Keep);
    retry_later();
  }
}

void Connection::connect() {
  state_ = State::Connecting;
  const std::uint64_t attempt = ++attempt_;
  const std::weak_ptr<Connection> weak = weak_from_this();
  timer_ = clock_->schedule(clock_->now() + options_.connect_timeout, [weak, attempt] {
    if (const auto self = weak.lock(); self && self->attempt_ == attempt) {
      self->opened(attempt, boost::asio::error::timed_out);
    }
  });
  boost::system::error_code not_literal;
  const auto address = boost::asio::ip::make_address(options_.address, not_literal);
  if (!not_literal) {
    const tcp::endpoint place(address, options_.port);
    open(attempt, tcp::resolver::results_type::create(place, options_.address, ""));
    return;
  }
  resolver_.async_resolve(
      options_.address,
      std::to_string(options_.port),
      [self = shared_from_this(),
       attempt](boost::system::error_code error, const tcp::resolver::results_type& places) {
        if (error) {
          self->opened(attempt, error);
        } else {
          self->open(attempt, places);
        }
      }
  );
}

void Connection::open(std::uint64_t attempt, const tcp::resolver::results_type& places) {
  if (attempt != attempt_ || state_ != State::Connecting) {
    return;
  }
  boost::asio::async_connect(
      socket_,
      places,
      [self = shared_from_this(), attempt](boost::system::error_code error, const tcp::endpoint&) {
        self->opened(attempt, error);
      }
  );
}

void Connection::opened(std::uint64_t attempt, boost::system::error_code error) {
  if (attempt != attempt_ || (state_ != State::Connecting && state_ != State::Authenticating)) {
    return;
  }
  if (!error) {
    socket_.set_option(tcp::no_delay(true), error);
  }
  if (!error) {
    socket_.set_option(boost::asio::socket_base::keep_alive(true), error);
  }
  if (!error) {
    socket_.non_blocking(true, error);
  }
  if (error) {
    log_->warn(
        "redis-connect-failed",
        {{"address", options_.address}, {"port", options_.port}, {"error", error.message()}}
    );
    fail(lost(error.message()), Unsent::Keep);
    retry_later();
    return;
  }
  reader_ = std::make_shared<Reader>();
  read();
  if (options_.password.empty()) {
    become_ready();
  } else {
    authenticate();
  }
}

void Connection::authenticate() {
  state_ = State::Authenticating;
  std::vector<std::string> words{"AUTH"};
  if (!options_.user.empty()) {
    words.push_back(options_.user);
  }
  words.push_back(options_.password.reveal());
  output_ = encode(words);
  wipe(words.back());
  flush();
}

void Connection::authenticated(Answer answer) {
  if (answer.refusal.empty()) {
    become_ready();
    return;
  }
  log_->error(
      "redis-refused", {{"user", options_.user}, {"error", error_of(answer.refusal).to_log()}}
  );
  fail(error_of(answer.refusal), Unsent::End);
  retry_later();
}

void Connection::become_ready() {
  timer_.reset();
  state_ = State::Ready;
  backoff_.reset();
  last_received_ = clock_->now();
  log_->info("redis-connected", {{"address", options_.address}, {"port", options_.port}});
  flush();
}

// Commands that were sent may have run: they end here. Those that were not may wait for the next
// connection.
void Connection::fail(const Error& error, Unsent unsent) {
  ++attempt_;
  const bool was_ready = state_ == State::Ready;
  boost::system::error_code ignored;  // closed already is as good
  socket_.close(ignored);
  timer_.reset();
  reader_.reset();
  output_.clear();
  is_writing_ = false;
  if (was_ready) {
    down_since_ = clock_->now();
    log_->warn("redis-lost", {{"port", options_.port}, {"error", error.to_log()}});
  }
  auto ended = std::exchange(answering_, {});
  if (unsent == Unsent::End) {
    for (auto& command : std::exchange(waiting_, {})) {
      ended.push_back(std::move(command));
    }
  }
  for (const auto& command : ended) {
    command->answer.set(error);
  }
}

void Connection::retry_later() {
  state_ = State::Waiting;
  if (clock_->now() - down_since_ > options_.command_timeout) {
    for (const auto& command : std::exchange(waiting_, {})) {
      command->answer.set(lost("down for longer than one command may wait"));
    }
  }
  timer_ = clock_->schedule(clock_->now() + backoff_.next(), [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && self->state_ == State::Waiting) {
      self->connect();
    }
  });
}

// Everything submitted in one turn of the loop leaves in one write.
void Connection::post_flush() {
  if (std::exchange(flush_posted_, true)) {
    return;
  }
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->flush_posted_ = false;
    if (self->state_ == State::Ready) {
      self->flush();
    }
  });
}

void Connection::flush() {
  if (state_ == State::Ready) {
    for (auto& command : std::exchange(waiting_, {})) {
      if (command->abandoned) {
        continue;
      }
      output_ += command->bytes;
      command->bytes = {};
      command->is_sent = true;
      command->sent = clock_->now();
      answering_.push_back(std::move(command));
    }
  }
  if (is_writing_ || output_.empty()) {
    return;
  }
  boost::system::error_code error;
  const std::size_t written = socket_.write_some(boost::asio::buffer(output_), error);
  if (error && error != boost::asio::error::would_block && error != boost::asio::error::try_again) {
    fail(lost(error.message()), Unsent::Keep);
    retry_later();
    return;
  }
  if (written == output_.size()) {
    output_.clear();
    return;
  }
  output_.erase(0, written);
  write_rest();
}

void Connection::write_rest() {
  is_writing_ = true;
  auto rest = std::make_shared<std::string>(std::exchange(output_, {}));
  boost::asio::async_write(
      socket_,
      boost::asio::buffer(*rest),
      [self = shared_from_this(),
       rest,
       attempt = attempt_](boost::system::error_code error, std::size_t) {
        if (attempt != self->attempt_) {
          return;
        }
        self->is_writing_ = false;
        if (error) {
          self->fail(lost(error.message()), Unsent::Keep);
          self->retry_later();
        } else {
          self->flush();
        }
      }
  );
}

void Connection::read() {
  socket_.async_read_some(
      boost::asio::buffer(input_),
      [self = shared_from_this(),
       attempt = attempt_](boost::system::error_code error, std::size_t count) {
        if (attempt != self->attempt_) {
          return;
        }
        if (error) {
          self->fail(lost(error.message()), Unsent::Keep);
          self->retry_later();
        } else {
          self->received(count);
        }
      }
  );
}

void Connection::received(std::size_t count) {
  last_received_ = clock_->now();
  const auto reader = reader_;  // kept while a handler below closes the connection
  const std::uint64_t attempt = attempt_;
  int status = redisReaderFeed(reader->raw.get(), input_.data(), count);
  while (status == REDIS_OK && attempt == attempt_) {
    void* raw = nullptr;
    status = redisReaderGetReply(reader->raw.get(), &raw);
    if (status != REDIS_OK || raw == nullptr) {
      break;
    }
    const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
    auto answer = answer_of(*reply);
    if (state_ == State::Authenticating) {
      authenticated(answer.ok() ? std::move(answer).value() : Answer{.refusal = "ERR"});
    } else if (answering_.empty()) {
      status = REDIS_ERR;  // an answer to nothing: the stream is out of step
    } else {
      const auto command = std::move(answering_.front());
      answering_.pop_front();
      command->answer.set(std::move(answer));
    }
  }
  if (attempt != attempt_) {
    return;
  }
  if (status != REDIS_OK || reader->raw->len - reader->raw->pos > kReplyBytesMax) {
    fail(lost("the answer is malformed or too large"), Unsent::Keep);
    retry_later();
    return;
  }
  read();
}

}  // namespace sluice::redis
