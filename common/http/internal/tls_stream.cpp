// The only file that sees OpenSSL and asio::ssl.
#include "common/http/internal/stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>

namespace sluice::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using SslStream = ssl::stream<Socket>;

constexpr std::array<unsigned char, 9> kAlpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

class TlsStream final : public Stream {
 public:
  explicit TlsStream(std::unique_ptr<SslStream> stream) : stream_(std::move(stream)) {}

  void read_some(char* data, std::size_t size, std::shared_ptr<StreamEvents> events) override {
    stream_->async_read_some(
        boost::asio::buffer(data, size),
        [events = std::move(events)](error_code error, std::size_t bytes) {
          events->on_read(error, bytes);
        }
    );
  }

  // TLS records go through the asynchronous path only.
  std::size_t try_write(std::string_view, std::string_view, error_code&) override { return 0; }

  void write_some(std::string_view bytes, std::shared_ptr<StreamEvents> events) override {
    stream_->async_write_some(
        boost::asio::buffer(bytes.data(), bytes.size()),
        [events = std::move(events)](error_code error, std::size_t written) {
          events->on_written(error, written);
        }
    );
  }

  void end_output() override {}

  void close() override {
    error_code ignored;
    stream_->next_layer().close(ignored);
  }

 private:
  std::unique_ptr<SslStream> stream_;
};

// NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn.data(), kAlpn.size(), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // a peer that insists on h2
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

class AsioTlsContext final : public TlsContext {
 public:
  explicit AsioTlsContext(ssl::context context) : context_(std::move(context)) {}

  Async<std::unique_ptr<Stream>> handshake(Socket socket, TlsSide side, std::string host) override {
    auto stream = std::make_unique<SslStream>(std::move(socket), context_);
    if (side == TlsSide::Client) {
      SLUICE_CO_CHECK_OK(name_peer(*stream, host));
    }
    const auto [error] = co_await stream->async_handshake(
        side == TlsSide::Client ? ssl::stream_base::client : ssl::stream_base::server,
        boost::asio::as_tuple(async::kAwait)
    );
    if (error == boost::asio::error::operation_aborted) {
      co_return Error(Code::Cancelled, "the TLS handshake was cancelled");
    }
    if (error) {
      co_return Error(Code::Unavailable, "the TLS handshake failed").with_detail(error.message());
    }
    co_return std::unique_ptr<Stream>(std::make_unique<TlsStream>(std::move(stream)));
  }

 private:
  static Result<void> name_peer(SslStream& stream, const std::string& host) {
    error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    if (not_an_address &&
        SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {  // NOLINT
      return Error(Code::Invalid, "the host name cannot be sent in a TLS handshake");
    }
    error_code error;
    stream.set_verify_callback(ssl::host_name_verification(host), error);
    if (error) {
      return Error(Code::Internal, "TLS verification could not be set up")
          .with_detail(error.message());
    }
    return {};
  }

  ssl::context context_;
};

Error invalid(std::string message, const error_code& error) {
  return Error(Code::Invalid, std::move(message)).with_detail(error.message());
}

Result<void> restrict_versions(ssl::context& context) {
  SSL_CTX* native = context.native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1) {
    return Error(Code::Internal, "TLS 1.2 is not available");
  }
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(
    const std::string& certificate_file, const std::string& key_file
) {
  ssl::context context(ssl::context::tls_server);
  SLUICE_CHECK_OK(restrict_versions(context));
  error_code error;
  context.use_certificate_chain_file(certificate_file, error);
  if (error) {
    return invalid("the TLS certificate file is not a readable PEM certificate chain", error);
  }
  context.use_private_key_file(key_file, ssl::context::pem, error);
  if (error) {
    return invalid("the TLS key file is not a readable PEM private key of the certificate", error);
  }
  SSL_CTX_set_alpn_select_cb(context.native_handle(), choose_protocol, nullptr);
  return std::shared_ptr<TlsContext>(std::make_shared<AsioTlsContext>(std::move(context)));
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  ssl::context context(ssl::context::tls_client);
  SLUICE_CHECK_OK(restrict_versions(context));
  error_code error;
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(ca_file, error);
  }
  if (error) {
    return invalid("the file of certificate authorities is not readable PEM", error);
  }
  context.set_verify_mode(ssl::verify_peer, error);
  if (error) {
    return invalid("TLS verification could not be switched on", error);
  }
  SSL_CTX_set_alpn_protos(context.native_handle(), kAlpn.data(), kAlpn.size());
  return std::shared_ptr<TlsContext>(std::make_shared<AsioTlsContext>(std::move(context)));
}

}  // namespace sluice::http
