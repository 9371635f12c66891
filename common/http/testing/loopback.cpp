#include "common/http/testing/loopback.h"

#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace sluice::http::testing {

Loopback::Loopback(std::vector<Route> routes, ServerOptions options, ClientOptions client_options)
    : log(observability::make_stderr_log("test", "test-1", observability::Level::Error, false)) {
  client = Client::make(loop.get_executor(), &clock, std::move(client_options));
  restart(std::move(routes), std::move(options));
}

Loopback::~Loopback() {
  stop();
  client.reset();
  loop.restart();
  loop.poll();
}

void Loopback::restart(std::vector<Route> routes, ServerOptions options) {
  stop();
  drained = false;
  metrics = observability::make_metrics();
  scheme = options.tls_certificate_file.empty() ? "http" : "https";
  auto listening = Server::listen(deps(), std::move(options), std::move(routes));
  SLUICE_CHECK(listening.ok(), "a free port on the loopback interface");
  server = std::move(listening).value();
  tasks_ = std::make_unique<async::TaskGroup>(loop.get_executor(), nullptr);
  tasks_->spawn("serve", server->serve());
}

void Loopback::stop() {
  if (server == nullptr) {
    return;
  }
  if (!drained) {
    EXPECT_TRUE(run(drain_now(std::chrono::milliseconds(50))).ok());
  }
  EXPECT_TRUE(run(tasks_->cancel_and_close()).ok());
  server.reset();
  tasks_.reset();
}

Async<void> Loopback::drain_now(std::chrono::milliseconds within) {
  SLUICE_CO_CHECK_OK(co_await server->drain(clock.now() + within));
  drained = true;
  co_return Result<void>();
}

void Loopback::start_drain(std::chrono::milliseconds within) {
  tasks_->spawn("drain", drain_now(within));
}

void Loopback::run_until(const std::function<bool()>& condition) {
  const TimePoint last = clock.now() + std::chrono::seconds(5);
  while (!condition()) {
    ASSERT_LT(clock.now(), last) << "the condition did not come to hold";
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(20));
  }
}

void Loopback::poll() {
  loop.restart();
  loop.poll();
}

std::string Loopback::url(std::string_view path) const {
  return scheme + "://127.0.0.1:" + std::to_string(server->port()) + std::string(path);
}

Server::Deps Loopback::deps() {
  return {
      .executor = loop.get_executor(),
      .clock = &clock,
      .log = log.get(),
      .metrics = metrics.get(),
      .service = "test-service"
  };
}

double Loopback::metric(const std::string& line_start) const {
  const std::string text = metrics->expose();
  const auto at = text.find("\n" + line_start + " ");
  return at == std::string::npos ? -1
                                 : std::strtod(text.c_str() + at + line_start.size() + 2, nullptr);
}

RawClient::RawClient(Loopback& loopback) : loopback_(&loopback), socket_(loopback.loop) {
  boost::system::error_code error;
  socket_.connect({boost::asio::ip::address_v4::loopback(), loopback.port()}, error);
  SLUICE_CHECK(!error, "the server listens");
  socket_.non_blocking(true);
  loopback.poll();
}

void RawClient::write(std::string_view bytes) {
  boost::system::error_code error;
  boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), error);
}

bool RawClient::receive() {
  std::array<char, 4096> buffer{};
  const TimePoint last = loopback_->clock.now() + std::chrono::seconds(5);
  while (loopback_->clock.now() < last) {
    boost::system::error_code error;
    const std::size_t size = socket_.read_some(boost::asio::buffer(buffer), error);
    if (!error) {
      received_.append(buffer.data(), size);
      return true;
    }
    if (error != boost::asio::error::would_block) {
      return false;
    }
    loopback_->loop.restart();
    loopback_->loop.run_one_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "nothing came in five seconds";
  return false;
}

std::string RawClient::read_until(std::string_view text) {
  while (received_.find(text) == std::string::npos) {
    if (!receive()) {
      return std::exchange(received_, {});
    }
  }
  const std::size_t end = received_.find(text) + text.size();
  std::string out = received_.substr(0, end);
  received_.erase(0, end);
  return out;
}

std::string RawClient::read_to_end() {
  while (receive()) {
  }
  return std::exchange(received_, {});
}

void RawClient::reset() {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

void RawClient::end_output() {
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

Async<HttpResponse> hold(async::OneShot<void>* release, bool* entered) {
  *entered = true;
  SLUICE_CO_CHECK_OK(co_await release->wait());
  co_return HttpResponse();
}

}  // namespace sluice::http::testing
