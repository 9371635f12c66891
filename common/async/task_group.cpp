#include "common/async/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>

namespace sluice::async {

TaskGroup::TaskGroup(Executor executor, OnError on_error)
    : executor_(std::move(executor)), on_error_(std::move(on_error)) {}

TaskGroup::~TaskGroup() {
  SLUICE_CHECK(entries_.empty(), "the owner of a TaskGroup awaits close() before it goes");
}

TaskGroup::Task TaskGroup::spawn(std::string name, Async<void> task) {
  entries_.push_back(std::make_unique<Entry>());
  const auto place = std::prev(entries_.end());
  Entry* const entry = place->get();
  entry->name = std::move(name);
  boost::asio::co_spawn(
      executor_,
      run(place, std::move(task)),
      boost::asio::bind_cancellation_slot(
          (*place)->signal.slot(), [this, place](std::exception_ptr) { finished(place); }
      )
  );
  return Task(entry);
}

// Asio lets an exception out of the loop (Boost 1.83) when a coroutine is cancelled before it said
// that cancellation does not throw. Until then it is only noted.
void TaskGroup::Entry::cancel() {
  cancelled = true;
  if (begun) {
    signal.emit(boost::asio::cancellation_type::terminal);
  }
}

void TaskGroup::cancel(Task task) {
  if (task.entry_ != nullptr) {
    task.entry_->cancel();
  }
}

void TaskGroup::cancel() {
  // A cancelled task may end at once and leave the list: walk a copy.
  std::vector<Entry*> entries;
  entries.reserve(entries_.size());
  for (const auto& entry : entries_) {
    entries.push_back(entry.get());
  }
  for (Entry* entry : entries) {
    const bool alive = std::any_of(entries_.begin(), entries_.end(), [&](const auto& candidate) {
      return candidate.get() == entry;
    });
    if (alive) {
      entry->cancel();
    }
  }
}

Async<void> TaskGroup::close() {
  if (entries_.empty()) {
    co_return Result<void>();
  }
  OneShot<void> empty;
  closers_.push_back(&empty);
  const auto result = co_await empty.wait();
  closers_.remove(&empty);
  co_return result;
}

Async<void> TaskGroup::cancel_and_close() {
  cancel();
  co_return co_await close();
}

async::Plain<void> TaskGroup::run(Place place, Async<void> task) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  (*place)->begun = true;
  if ((*place)->cancelled) {
    co_return;
  }
  Result<void> result;
  try {
    result = co_await std::move(task);
  } catch (const std::exception& exception) {
    result = Error(Code::Internal, "a task threw").with_detail(exception.what());
  }
  if (!result.ok() && result.error().code() != Code::Cancelled && on_error_) {
    on_error_((*place)->name, result.error());
  }
}

void TaskGroup::finished(Place place) {
  entries_.erase(place);
  if (entries_.empty()) {
    for (OneShot<void>* closer : std::exchange(closers_, {})) {
      closer->set({});
    }
  }
}

}  // namespace sluice::async
