#include "common/http/internal/stream.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <array>

namespace sluice::http {
namespace {

using boost::system::error_code;

class TcpStream final : public Stream {
 public:
  explicit TcpStream(Socket socket) : socket_(std::move(socket)) {}

  void read_some(char* data, std::size_t size, std::shared_ptr<StreamEvents> events) override {
    socket_.async_read_some(
        boost::asio::buffer(data, size),
        [events = std::move(events)](error_code error, std::size_t bytes) {
          events->on_read(error, bytes);
        }
    );
  }

  std::size_t try_write(std::string_view first, std::string_view second, error_code& error)
      override {
    const std::array<boost::asio::const_buffer, 2> both{
        boost::asio::buffer(first.data(), first.size()),
        boost::asio::buffer(second.data(), second.size())
    };
    const std::size_t written =
        second.empty() ? socket_.write_some(both[0], error) : socket_.write_some(both, error);
    if (error == boost::asio::error::would_block) {
      error = {};
      return 0;
    }
    return written;
  }

  void write_some(std::string_view bytes, std::shared_ptr<StreamEvents> events) override {
    socket_.async_write_some(
        boost::asio::buffer(bytes.data(), bytes.size()),
        [events = std::move(events)](error_code error, std::size_t written) {
          events->on_written(error, written);
        }
    );
  }

  void end_output() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(Socket socket) {
  return std::make_unique<TcpStream>(std::move(socket));
}

void tune(Socket& socket) {
  error_code ignored;
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
}

}  // namespace sluice::http
