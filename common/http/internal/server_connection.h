// One client's connection: reads requests one after the other, runs their handlers, writes the
// answers.
//
// Reading goes on while a handler runs, so that a client that goes away is noticed: the handler is
// cancelled then. One coroutine per connection runs the handlers; requests sent ahead wait in the
// receive buffer.
#pragma once

#include "common/async/task_group.h"
#include "common/http/internal/request_parser.h"
#include "common/http/internal/server_shared.h"
#include "common/http/internal/wire.h"

#include <optional>
#include <string>

namespace sluice::http {

class ServerConnection final : public Wire {
 public:
  ServerConnection(ServerShared* shared, std::string remote_address);

  // Until the connection is over. Errors: none worth telling.
  Async<void> run(Socket socket);

  // Closes it when it is between requests, else after the answer.
  void drain();
  // Cancels the handler and closes.
  void abort();
  // Ends what is overdue at that time.
  void expire(TimePoint now);

  // When expire() has something to do, or max().
  [[nodiscard]] TimePoint deadline() const { return std::min(phase_deadline_, write_deadline()); }

 private:
  friend class ChunkedWriter;
  enum class Phase { Idle, Head, Body, Handling, Lingering };

  // A request for the worker, or the answer of this layer.
  struct Job {
    HttpRequest request;
    const Route* route = nullptr;
    Dialect dialect = Dialect::OpenAi;
    std::optional<Refusal> refusal;
    std::string allow;
    bool keep_alive = false;
    bool head_only = false;
  };

  struct Answer {
    int status = 0;
    bool keep = false;  // the connection
  };

  void on_bytes() override;
  void on_peer_gone(bool clean) override;
  void on_write_pending() override;

  void advance();
  [[nodiscard]] std::optional<Refusal> check_route();
  [[nodiscard]] std::optional<Refusal> check_body(const Route& route) const;
  void deliver(std::optional<Refusal> refusal);
  void enter(Phase phase, TimePoint deadline);

  Async<void> work();
  Async<Answer> answer(Job job);
  Async<Answer> answer_plain(Job* job, RequestContext context);
  Async<Answer> answer_stream(Job* job, RequestContext context);
  Async<Answer> send_response(const Job* job, HttpResponse response);
  Async<void> linger();
  Async<void> next_job();
  [[nodiscard]] RequestContext make_context(const Job& job);
  [[nodiscard]] Error caught(const std::string& what, const Job& job);

  ServerShared* shared_;
  std::string remote_address_;
  RequestParser parser_;
  Router::Match match_;
  bool routed_ = false;
  Phase phase_ = Phase::Idle;
  TimePoint phase_deadline_ = TimePoint::max();
  std::optional<Job> job_;
  std::optional<async::OneShot<void>> ready_;
  std::string request_id_;
  bool peer_gone_ = false;
  bool overrun_ = false;
  async::TaskGroup tasks_;
};

}  // namespace sluice::http
