// The half of ServerConnection that runs handlers and writes their answers.
#include "common/http/error_map.h"
#include "common/http/internal/server_connection.h"
#include "common/observability/trace.h"

#include <array>
#include <charconv>
#include <exception>

namespace sluice::http {
namespace {

// A handler that ignores its deadline is cancelled that much later.
constexpr std::chrono::milliseconds kOverrunMax{1000};
// Bytes queued for a client that does not read before its handler has to wait.
constexpr std::size_t kStreamQueueMax = 64 << 10;

Error client_gone() {
  return {Code::Cancelled, "the client went away"};
}

}  // namespace

// A stream handler's way to its connection.
class ChunkedWriter final : public ResponseWriter {
 public:
  ChunkedWriter(ServerConnection* connection, const ServerConnection::Job* job)
      : connection_(connection), job_(job), keep_alive_(job->keep_alive) {}

  Async<void> begin(int status, Headers headers) override {
    SLUICE_CHECK(!begun_, "a response begins once");
    begun_ = true;
    status_ = status;
    ServerShared& shared = *connection_->shared_;
    keep_alive_ = keep_alive_ && !shared.draining;
    connection_->push(format_head(
        status,
        headers,
        {.date = shared.date.at(shared.clock->unix_ms()),
         .request_id = connection_->request_id_,
         .keep_alive = keep_alive_,
         .content_length = {}}
    ));
    co_return state();
  }

  Async<void> write(std::string bytes) override {
    SLUICE_CHECK(begun_ && !ended_, "write comes between begin and end");
    SLUICE_CO_CHECK_OK(state());
    if (bytes.empty()) {
      co_return Result<void>();  // an empty chunk would end the body
    }
    std::array<char, 20> size{};
    const auto last = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
    connection_->push({size.data(), static_cast<std::size_t>(last.ptr - size.data())});
    connection_->push("\r\n");
    connection_->push(bytes);
    connection_->push("\r\n");
    co_return told(co_await connection_->until_queued_at_most(kStreamQueueMax));
  }

  Async<void> end() override {
    SLUICE_CHECK(begun_ && !ended_, "end comes once, after begin");
    SLUICE_CO_CHECK_OK(state());
    ended_ = true;
    connection_->push("0\r\n\r\n");
    co_return told(co_await connection_->until_queued_at_most(0));
  }

  Async<void> respond(HttpResponse response) override {
    SLUICE_CHECK(!begun_, "a response begins once");
    SLUICE_CO_CHECK_OK(state());
    begun_ = ended_ = true;
    SLUICE_CO_TRY(const auto given, co_await connection_->send_response(job_, std::move(response)));
    status_ = given.status;
    keep_alive_ = given.keep;
    co_return state();
  }

  [[nodiscard]] bool begun() const override { return begun_; }

  [[nodiscard]] bool ended() const { return ended_; }

  [[nodiscard]] ServerConnection::Answer given() const {
    return {.status = status_, .keep = keep_alive_};
  }

 private:
  [[nodiscard]] Result<void> state() const {
    return connection_->peer_gone_ || connection_->closed() ? Result<void>(client_gone())
                                                            : Result<void>();
  }

  // A client that went away is Cancelled, whatever the socket said.
  [[nodiscard]] Result<void> told(Result<void> waited) const {
    Result<void> now = state();
    return now.ok() ? std::move(waited) : std::move(now);
  }

  ServerConnection* connection_;
  const ServerConnection::Job* job_;
  bool keep_alive_;
  bool begun_ = false;
  bool ended_ = false;
  int status_ = 0;
};

RequestContext ServerConnection::make_context(const Job& job) {
  RequestContext context;
  const std::string_view chosen = job.request.headers.get("x-request-id");
  request_id_ = is_request_id(chosen) ? std::string(chosen) : shared_->identifiers.request_id();
  if (job.refusal.has_value()) {
    return context;
  }
  context.request = RequestId(request_id_);
  context.deadline = shared_->clock->now() + job.route->timeout;
  const std::string_view parent = job.request.headers.get("traceparent");
  context.trace_parent = !parent.empty() && observability::parse_trace_parent(parent).has_value()
                             ? std::string(parent)
                             : shared_->identifiers.trace_parent();
  return context;
}

Error ServerConnection::caught(const std::string& what, const Job& job) {
  shared_->metrics.uncaught().add();
  shared_->log->error(
      "http-handler-threw", {{"route", job.route->path}, {"what", what}, {"request", request_id_}}
  );
  return {Code::Internal, "something went wrong inside; report it with the request id"};
}

Async<ServerConnection::Answer> ServerConnection::answer(Job job) {
  RequestContext context = make_context(job);
  if (job.refusal.has_value()) {
    HttpResponse response =
        refusal_response(job.refusal->status, job.refusal->message, job.dialect);
    if (!job.allow.empty()) {
      response.headers.add("allow", job.allow);
    }
    co_return co_await send_response(&job, std::move(response));
  }
  shared_->metrics.in_flight().add(1);
  Result<Answer> given = Answer{};
  if (job.route->handler) {
    enter(Phase::Handling, context.deadline + kOverrunMax);
    given = co_await answer_plain(&job, std::move(context));
  } else {
    given = co_await answer_stream(&job, std::move(context));
  }
  shared_->metrics.in_flight().add(-1);
  co_return given;
}

Async<ServerConnection::Answer> ServerConnection::answer_plain(Job* job, RequestContext context) {
  Result<HttpResponse> result = Error(Code::Internal, "the handler gave no answer");
  try {
    result = co_await job->route->handler(std::move(job->request), std::move(context));
  } catch (const std::exception& exception) {
    result = caught(exception.what(), *job);
  }
  if (peer_gone_) {
    co_return Answer{.status = status_of(Code::Cancelled), .keep = false};
  }
  if (overrun_) {
    result = Error(Code::Deadline, "the request took too long; try again or ask for less");
    job->keep_alive = false;
  }
  if (!result.ok()) {
    if (result.error().code() == Code::Internal) {
      shared_->log->error(
          "http-request-failed", {{"request", request_id_}, {"error", result.error().to_log()}}
      );
    }
    co_return co_await send_response(job, error_response(result.error(), job->dialect));
  }
  co_return co_await send_response(job, std::move(result).value());
}

Async<ServerConnection::Answer> ServerConnection::answer_stream(Job* job, RequestContext context) {
  ChunkedWriter writer(this, job);
  Result<void> result;
  try {
    result =
        co_await job->route->stream_handler(std::move(job->request), &writer, std::move(context));
  } catch (const std::exception& exception) {
    result = caught(exception.what(), *job);
  }
  if (peer_gone_) {
    co_return Answer{.status = status_of(Code::Cancelled), .keep = false};
  }
  if (result.ok() && !writer.begun()) {
    result = Error(Code::Internal, "the handler gave no answer");
  }
  if (!writer.begun()) {
    co_return co_await send_response(job, error_response(result.error(), job->dialect));
  }
  if (result.ok() && !writer.ended()) {
    result = co_await writer.end();
  }
  if (!result.ok(
      )) {  // cut off without the last chunk, so that the client sees that something is missing
    shared_->log->info(
        "http-stream-failed", {{"request", request_id_}, {"error", result.error().to_log()}}
    );
    co_return Answer{.status = status_of(result.error().code()), .keep = false};
  }
  co_return writer.given();
}

Async<ServerConnection::Answer> ServerConnection::send_response(
    const Job* job, HttpResponse response
) {
  const bool keep = job->keep_alive && !shared_->draining;
  std::string head = format_head(
      response.status,
      response.headers,
      {.date = shared_->date.at(shared_->clock->unix_ms()),
       .request_id = request_id_,
       .keep_alive = keep,
       .content_length = response.body.size()}
  );
  if (job->head_only || response.status == 204 || response.status == 304) {
    response.body.clear();
  }
  const int status = response.status;
  const auto sent = co_await send(std::move(head), std::move(response.body));
  co_return Answer{.status = status, .keep = keep && sent.ok()};
}

}  // namespace sluice::http
