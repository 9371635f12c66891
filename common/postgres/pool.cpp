#include "common/postgres/pool.h"

#include "common/postgres/connection_string.h"
#include "common/postgres/session.h"

#include <mutex>
#include <utility>

namespace sluice::postgres {
namespace {

// Work waiting for a thread before run() answers Exhausted. Source: at 5 ms a transaction and two
// connections, two seconds of it.
constexpr std::size_t kQueuedMax = 1024;

// As many sessions as threads, so whoever runs finds a free one.
class Sessions {
 public:
  explicit Sessions(const Options& options) {
    for (std::size_t i = 0; i < options.connections; ++i) {
      free_.push_back(std::make_unique<Session>(connection_string(options)));
    }
  }

  [[nodiscard]] std::unique_ptr<Session> take() {
    const std::lock_guard lock(mutex_);
    SLUICE_CHECK(!free_.empty(), "there are as many sessions as threads");
    auto session = std::move(free_.back());
    free_.pop_back();
    return session;
  }

  void give_back(std::unique_ptr<Session> session) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(session));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> free_;
};

class PqPool final : public Pool {
 public:
  PqPool(observability::Log* log, const Options& options)
      : log_(log), sessions_(options), threads_(options.connections, kQueuedMax) {}

  Async<void> run(std::function<Result<void>(Transaction&)> work) override {
    auto result = co_await threads_.run([this, work = std::move(work)]() -> Result<void> {
      auto session = sessions_.take();
      auto outcome = session->transact(work);
      sessions_.give_back(std::move(session));
      return outcome;
    });
    if (!result.ok() && result.error().code() == Code::Unavailable) {
      log_->warn("postgres-failed", {{"error", result.error().to_log()}});
    }
    co_return result;
  }

  Async<void> ping() override {
    return run([](Transaction& transaction) -> Result<void> {
      const auto rows = transaction.query("SELECT 1", {});
      return rows.ok() ? Result<void>() : Result<void>(rows.error());
    });
  }

 private:
  observability::Log* log_;
  Sessions sessions_;
  async::BlockingPool threads_;  // last: its threads end before what they use
};

}  // namespace

std::unique_ptr<Pool> Pool::open(
    async::Clock* /*clock*/, observability::Log* log, Options options
) {
  return std::make_unique<PqPool>(log, options);
}

}  // namespace sluice::postgres
