#include "tests/support/tcp_gate.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <future>
#include <list>
#include <thread>
#include <vector>

namespace sluice::tests {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kBufferBytes = 16384;

// One connection and its counterpart. A direction that is held back keeps what it has read.
class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(tcp::socket client, tcp::socket server, const bool* stalled)
      : sides_{std::move(client), std::move(server)}, stalled_(stalled) {}

  void start() {
    pump(0);
    pump(1);
  }

  void close() {
    boost::system::error_code ignored;
    for (tcp::socket& side : sides_) {
      side.close(ignored);
    }
  }

  void resume() {
    for (std::size_t from : {std::size_t{0}, std::size_t{1}}) {
      if (held_[from] > 0) {
        forward(from, std::exchange(held_[from], 0));
      }
    }
  }

  [[nodiscard]] bool open() const { return sides_[0].is_open() && sides_[1].is_open(); }

 private:
  void pump(std::size_t from) {
    sides_[from].async_read_some(
        boost::asio::buffer(buffers_[from]),
        [self = shared_from_this(), from](boost::system::error_code error, std::size_t count) {
          if (error) {
            self->close();
          } else if (*self->stalled_) {
            self->held_[from] = count;
          } else {
            self->forward(from, count);
          }
        }
    );
  }

  void forward(std::size_t from, std::size_t count) {
    boost::asio::async_write(
        sides_[1 - from],
        boost::asio::buffer(buffers_[from].data(), count),
        [self = shared_from_this(), from](boost::system::error_code error, std::size_t) {
          if (error) {
            self->close();
          } else {
            self->pump(from);
          }
        }
    );
  }

  std::array<tcp::socket, 2> sides_;
  std::array<std::array<char, kBufferBytes>, 2> buffers_{};
  std::array<std::size_t, 2> held_{};
  const bool* stalled_;
};

}  // namespace

class TcpGate::Body {
 public:
  explicit Body(std::uint16_t target_port)
      : acceptor_(loop_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        target_(boost::asio::ip::address_v4::loopback(), target_port) {
    accept();
    thread_ = std::thread([this] { loop_.run(); });
  }

  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  Body(Body&&) = delete;
  Body& operator=(Body&&) = delete;

  ~Body() {
    loop_.stop();
    thread_.join();
  }

  // Runs on the gate's thread; returns when it has.
  template <class Callable>
  void run(Callable callable) {
    std::promise<void> done;
    boost::asio::post(loop_, [&done, &callable] {
      callable();
      done.set_value();
    });
    done.get_future().wait();
  }

  void cut() {
    for (const auto& pair : pairs_) {
      pair->close();
    }
    pairs_.clear();
  }

  void stall(bool on) {
    stalled_ = on;
    if (!on) {
      for (const auto& pair : pairs_) {
        pair->resume();
      }
    }
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  std::size_t open() {
    std::erase_if(pairs_, [](const auto& pair) { return !pair->open(); });
    return pairs_.size();
  }

  bool refusing = false;
  std::atomic<std::size_t> accepted{0};

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket client) {
      if (error) {
        return;
      }
      ++accepted;
      if (!refusing) {
        connect(std::move(client));
      }
      accept();
    });
  }

  void connect(tcp::socket client) {
    tcp::socket server(loop_);
    boost::system::error_code error;
    server.connect(target_, error);  // loopback: at once
    if (error) {
      return;
    }
    client.set_option(tcp::no_delay(true), error);
    server.set_option(tcp::no_delay(true), error);
    pairs_.push_back(std::make_shared<Pair>(std::move(client), std::move(server), &stalled_));
    pairs_.back()->start();
  }

  boost::asio::io_context loop_{1};
  tcp::acceptor acceptor_;
  tcp::endpoint target_;
  std::vector<std::shared_ptr<Pair>> pairs_;
  bool stalled_ = false;
  std::thread thread_;
};

TcpGate::TcpGate(std::uint16_t target_port) : body_(std::make_unique<Body>(target_port)) {}

TcpGate::~TcpGate() = default;

std::uint16_t TcpGate::port() const {
  return body_->port();
}

void TcpGate::cut() {
  body_->run([this] { body_->cut(); });
}

void TcpGate::refuse(bool on) {
  body_->run([this, on] { body_->refusing = on; });
}

void TcpGate::stall(bool on) {
  body_->run([this, on] { body_->stall(on); });
}

std::size_t TcpGate::connections() const {
  std::size_t count = 0;
  body_->run([this, &count] { count = body_->open(); });
  return count;
}

std::size_t TcpGate::accepted() const {
  return body_->accepted;
}

}  // namespace sluice::tests
