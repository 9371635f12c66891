// TaskGroup: the owner of concurrent tasks. Nothing in Sluice runs detached.
#pragma once

#include "common/async/async.h"
#include "common/async/one_shot.h"

#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::async {

// Life: spawn any number of tasks; before destruction await close() or cancel_and_close(). The
// destructor checks that the group is empty. Thread: the executor's one thread.
class TaskGroup {
 public:
  // Called for each task that ends with an error other than Cancelled, or throws (Internal).
  using OnError = std::function<void(std::string_view name, const Error& error)>;

  TaskGroup(Executor executor, OnError on_error);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  TaskGroup(TaskGroup&&) = delete;
  TaskGroup& operator=(TaskGroup&&) = delete;
  ~TaskGroup();

  // One task, to cancel it alone.
  class Task;

  // The task starts at once and may even end before spawn returns: whoever waits for it registers
  // first. name is for logs.
  Task spawn(std::string name, Async<void> task);

  // Asks one task to stop; one that has not begun never begins. Only while it has not ended.
  void cancel(Task task);

  // Asks every task to stop; their waits end with Cancelled.
  void cancel();

  // Returns when no task is left.
  Async<void> close();
  Async<void> cancel_and_close();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string name;
    boost::asio::cancellation_signal signal;
    bool begun = false;
    bool cancelled = false;

    void cancel();
  };

  using Place = std::list<std::unique_ptr<Entry>>::iterator;

  async::Plain<void> run(Place place, Async<void> task);
  void finished(Place place);

  Executor executor_;
  OnError on_error_;
  std::list<std::unique_ptr<Entry>> entries_;
  std::list<OneShot<void>*> closers_;
};

class TaskGroup::Task {
 public:
  Task() = default;

 private:
  friend class TaskGroup;

  explicit Task(Entry* entry) : entry_(entry) {}

  Entry* entry_ = nullptr;
};

}  // namespace sluice::async
