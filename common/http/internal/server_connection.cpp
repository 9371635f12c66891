#include "common/http/internal/server_connection.h"

#include "common/async/deadline.h"
#include "common/http/internal/text.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace sluice::http {
namespace {

constexpr std::chrono::milliseconds kLingerMax{1000};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// "text/html" fits "text/html;q=0.9", "text/*" and "*/*".
bool accepts(std::string_view accept, const std::vector<std::string>& produced) {
  while (!accept.empty()) {
    const std::string_view element = next_element(accept);
    const std::string_view range = trim(element.substr(0, element.find(';')));
    for (const std::string& type : produced) {
      const bool whole_family =
          range.ends_with("/*") &&
          std::string_view(type).starts_with(range.substr(0, range.size() - 1));
      if (range == "*/*" || whole_family || equals_ignoring_case(range, type)) {
        return true;
      }
    }
  }
  return false;
}

std::string_view without_port(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  return colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)
             ? host
             : host.substr(0, colon);
}

bool is_allowed_host(std::string_view host, const std::vector<std::string>& allowed) {
  return allowed.empty() ||
         std::any_of(allowed.begin(), allowed.end(), [host](const std::string& name) {
           return equals_ignoring_case(host, name) ||
                  equals_ignoring_case(without_port(host), name);
         });
}

}  // namespace

ServerConnection::ServerConnection(ServerShared* shared, std::string remote_address)
    : Wire(
          shared->executor,
          shared->clock,
          {.receive_bytes = 16 << 10, .write_timeout = shared->options.write_timeout}
      ),
      shared_(shared),
      remote_address_(std::move(remote_address)),
      parser_(
          {.header_bytes_max = shared->options.header_bytes_max,
           .headers_max = shared->options.headers_max}
      ),
      tasks_(shared->executor, [shared](std::string_view, const Error& error) {
        shared->log->debug("http-connection-ended", {{"error", error.to_log()}});
      }) {}

Async<void> ServerConnection::run(Socket socket) {
  std::unique_ptr<Stream> stream;
  if (shared_->tls != nullptr) {
    const TimePoint until = shared_->clock->now() + shared_->options.header_timeout;
    auto secured = co_await async::with_deadline(
        shared_->clock, until, shared_->tls->handshake(std::move(socket), TlsSide::Server, {})
    );
    if (!secured.ok()) {
      co_return std::move(secured).error();
    }
    stream = std::move(secured).value();
  } else {
    stream = make_tcp_stream(std::move(socket));
  }
  attach(std::move(stream));
  enter(Phase::Idle, shared_->clock->now() + shared_->options.idle_timeout);
  tasks_.spawn("http-connection", work());
  start_reading();
  const auto ended = co_await tasks_.close();
  if (!ended.ok()) {
    abort();
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    SLUICE_CO_CHECK_OK(co_await tasks_.close());
  }
  close();
  co_return Result<void>();
}

void ServerConnection::on_bytes() {
  advance();
}

void ServerConnection::advance() {
  if (phase_ == Phase::Lingering) {
    consume(unread().size());
    return;
  }
  if (phase_ == Phase::Handling) {
    return;
  }
  while (!unread().empty()) {
    const RequestParser::Fed fed = parser_.feed(unread());
    consume(fed.consumed);
    if (fed.refusal.has_value()) {
      deliver(fed.refusal);
      return;
    }
    if (parser_.head_done() && !routed_) {
      routed_ = true;
      if (auto refusal = check_route()) {
        deliver(std::move(refusal));
        return;
      }
    }
    if (parser_.done()) {
      deliver(std::nullopt);
      return;
    }
  }
  const bool in_body = parser_.head_done();
  if (parser_.started() && phase_ != (in_body ? Phase::Body : Phase::Head)) {
    const auto wait = in_body ? shared_->options.body_timeout : shared_->options.header_timeout;
    enter(in_body ? Phase::Body : Phase::Head, shared_->clock->now() + wait);
  }
}

std::optional<Refusal> ServerConnection::check_route() {
  const HttpRequest& head = parser_.head();
  if (!is_allowed_host(head.headers.get("host"), shared_->options.allowed_hosts)) {
    return Refusal{403, "this host name is not served here; use one of the configured names"};
  }
  match_ = shared_->router.match(head.method, head.path);
  if (match_.route == nullptr && match_.allow.empty()) {
    return Refusal{404, "there is nothing at this path; check the URL"};
  }
  if (match_.route == nullptr) {
    return Refusal{405, "this path does not take " + head.method + "; use " + match_.allow};
  }
  const Route& route = *match_.route;
  if (const auto accept = head.headers.get("accept");
      !route.produces.empty() && !accept.empty() && !accepts(accept, route.produces)) {
    return Refusal{406, "the answer is " + route.produces.front() + "; accept it"};
  }
  if (parser_.has_body()) {
    if (auto refusal = check_body(route)) {
      return refusal;
    }
  }
  parser_.set_body_max(route.body_bytes_max);
  if (parser_.expects_continue() && parser_.has_body() && unread().empty()) {
    push(kContinue);
  }
  return std::nullopt;
}

std::optional<Refusal> ServerConnection::check_body(const Route& route) const {
  if (route.body_bytes_max == 0) {
    return Refusal{413, "this endpoint takes no body; leave it out"};
  }
  if (parser_.content_length() > route.body_bytes_max) {
    return Refusal{
        413,
        "the request body is larger than this endpoint's limit of " +
            std::to_string(route.body_bytes_max) + " bytes; send less"
    };
  }
  if (!route.content_type.empty() && !has_media_type(parser_.head().headers, route.content_type)) {
    return Refusal{415, "send the body with \"Content-Type: " + route.content_type + "\""};
  }
  return std::nullopt;
}

void ServerConnection::deliver(std::optional<Refusal> refusal) {
  Job job;
  // After a refusal the connection lives on only when the whole request is known to be read.
  job.keep_alive = parser_.done() && parser_.keep_alive();
  job.head_only = parser_.head_done() && parser_.head().method == "HEAD";
  job.request = parser_.take();
  job.request.remote_address = remote_address_;
  job.request.path_parameters = std::move(match_.parameters);
  job.route = match_.route;
  job.dialect = match_.dialect;
  job.allow = std::move(match_.allow);
  job.refusal = std::move(refusal);
  job_ = std::move(job);
  enter(Phase::Handling, TimePoint::max());
  if (ready_.has_value()) {
    ready_->set_now({});
  }
}

void ServerConnection::enter(Phase phase, TimePoint deadline) {
  phase_ = phase;
  phase_deadline_ = deadline;
  shared_->watchdog.arm(deadline);
}

void ServerConnection::on_peer_gone(bool) {
  peer_gone_ = true;
  if (phase_ == Phase::Handling) {
    tasks_.cancel();
  }
  if (ready_.has_value()) {
    ready_->set(Error(Code::Cancelled, "the client went away"));
  }
}

void ServerConnection::on_write_pending() {
  shared_->watchdog.arm(write_deadline());
}

void ServerConnection::drain() {
  if (phase_ == Phase::Idle && !parser_.started()) {
    abort();
  }
}

void ServerConnection::abort() {
  close();
  on_peer_gone(false);
}

void ServerConnection::expire(TimePoint now) {
  if (write_deadline() <= now) {
    shared_->log->info("http-write-stuck", {{"remote", remote_address_}});
    abort();
    return;
  }
  if (phase_deadline_ > now) {
    return;
  }
  phase_deadline_ = TimePoint::max();
  switch (phase_) {
    case Phase::Idle:
    case Phase::Lingering:
      abort();
      break;
    case Phase::Head:
      deliver(Refusal{408, "the request head took too long; send it at once"});
      break;
    case Phase::Body:
      deliver(Refusal{408, "the request body took too long; send it faster or in smaller parts"});
      break;
    case Phase::Handling:
      overrun_ = true;
      tasks_.cancel();
      break;
  }
}

Async<void> ServerConnection::next_job() {
  if (job_.has_value()) {
    co_return Result<void>();
  }
  ready_.emplace();
  const auto woken = co_await ready_->wait();
  ready_.reset();
  co_return woken;
}

Async<void> ServerConnection::work() {
  while (!closed() && !peer_gone_) {
    SLUICE_CO_CHECK_OK(co_await next_job());
    if (!job_.has_value()) {
      continue;
    }
    Job job = std::move(*job_);
    job_.reset();
    const Route* route = job.route;
    const bool refused = job.refusal.has_value();
    SLUICE_CO_TRY(const Answer given, co_await answer(std::move(job)));
    shared_->metrics.count(route, given.status);
    if (!given.keep) {
      if (refused && !peer_gone_) {
        SLUICE_CO_CHECK_OK(co_await linger());
      }
      co_return Result<void>();
    }
    parser_.reset();
    match_ = {};
    routed_ = false;
    enter(Phase::Idle, shared_->clock->now() + shared_->options.idle_timeout);
    advance();
    if (shared_->draining && phase_ == Phase::Idle) {
      co_return Result<void>();
    }
  }
  co_return Result<void>();
}

// A peer that still sends its refused body would lose the answer to a reset if the socket closed at
// once.
Async<void> ServerConnection::linger() {
  end_output();
  enter(
      Phase::Lingering,
      shared_->clock->now() + std::min(kLingerMax, shared_->options.header_timeout)
  );
  consume(unread().size());
  while (!peer_gone_ && !closed()) {
    SLUICE_CO_CHECK_OK(co_await next_job());
  }
  co_return Result<void>();
}

}  // namespace sluice::http
