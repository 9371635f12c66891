#include "common/async/parallel.h"

#include "common/async/task_group.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace sluice::async {
namespace {

struct Tasks {
  std::vector<Async<void>> tasks;
  std::vector<Result<void>> results;
  std::size_t next = 0;
};

Async<void> work(Tasks* all) {
  while (all->next < all->tasks.size() && !co_await is_cancelled()) {
    const std::size_t mine = all->next++;
    all->results[mine] = co_await std::move(all->tasks[mine]);
  }
  co_return Result<void>();
}

}  // namespace

Async<void> run_parallel(std::size_t at_once, std::vector<Async<void>> tasks) {
  Tasks all;
  all.tasks = std::move(tasks);
  all.results.assign(
      all.tasks.size(), Error(Code::Internal, "a task ended without a result; report this")
  );
  TaskGroup group(co_await boost::asio::this_coro::executor, nullptr);
  const std::size_t workers = std::min(std::max<std::size_t>(at_once, 1), all.tasks.size());
  for (std::size_t i = 0; i < workers; ++i) {
    group.spawn("parallel", work(&all));
  }
  auto done = co_await group.close();
  if (!done.ok()) {  // cancelled: pass it on and wait for the end
    group.cancel();
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    const auto ended = co_await group.close();
    SLUICE_CHECK(ended.ok(), "a wait that cannot be cancelled has no error");
    co_return done;
  }
  for (Result<void>& result : all.results) {
    SLUICE_CO_CHECK_OK(std::move(result));
  }
  co_return Result<void>();
}

}  // namespace sluice::async
