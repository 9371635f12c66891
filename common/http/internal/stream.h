// A connected byte stream: plain TCP or TLS over it. Callback-driven, so that a read can wait while
// a request is handled.
#pragma once

#include "common/async/async.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sluice::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

// Called on the loop; kept alive by the operation.
class StreamEvents {
 public:
  StreamEvents() = default;
  StreamEvents(const StreamEvents&) = delete;
  StreamEvents& operator=(const StreamEvents&) = delete;
  StreamEvents(StreamEvents&&) = delete;
  StreamEvents& operator=(StreamEvents&&) = delete;
  virtual ~StreamEvents() = default;
  virtual void on_read(boost::system::error_code error, std::size_t bytes) = 0;
  virtual void on_written(boost::system::error_code error, std::size_t bytes) = 0;
};

// At most one read and one write at a time. The owner lives until both have reported.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream(Stream&&) = delete;
  Stream& operator=(Stream&&) = delete;
  virtual ~Stream() = default;

  virtual void read_some(char* data, std::size_t size, std::shared_ptr<StreamEvents> events) = 0;
  // What the socket takes at once, 0 included. error: set when the connection is broken.
  [[nodiscard]] virtual std::size_t try_write(
      std::string_view first, std::string_view second, boost::system::error_code& error
  ) = 0;
  virtual void write_some(std::string_view bytes, std::shared_ptr<StreamEvents> events) = 0;
  // Tells the peer that nothing more comes. Nothing for TLS, which is closed as it is.
  virtual void end_output() = 0;
  // Ends what is pending with operation_aborted.
  virtual void close() = 0;
};

// Which end of a TLS handshake.
enum class TlsSide { Server, Client };

// A shared TLS configuration. OpenSSL stays in tls.cpp.
class TlsContext {
 public:
  // Errors: Invalid (certificate or key unreadable).
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> server(
      const std::string& certificate_file, const std::string& key_file
  );
  // ca_file: "" for the system's authorities. Errors: Invalid.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file);

  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  TlsContext(TlsContext&&) = delete;
  TlsContext& operator=(TlsContext&&) = delete;
  virtual ~TlsContext() = default;

  // Takes the socket and does the handshake. host: checked against the certificate and sent as SNI
  // (client side). Errors: Unavailable (refused, wrong certificate), Cancelled.
  virtual Async<std::unique_ptr<Stream>> handshake(
      Socket socket, TlsSide side, std::string host
  ) = 0;
};

[[nodiscard]] std::unique_ptr<Stream> make_tcp_stream(Socket socket);

// No delay, non-blocking.
void tune(Socket& socket);

}  // namespace sluice::http
