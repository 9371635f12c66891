// SingleFlight: one fetch per key at a time, however many wait for its result. The fetch runs in a
// task group, so that a waiting request that goes away takes nothing from the others.
#pragma once

#include "common/async/one_shot.h"
#include "common/async/task_group.h"

#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace sluice::ingress {

// Value is copied to each who waits. The task group is closed before this object ends.
template <class Value>
class SingleFlight {
 public:
  using Work = std::function<Async<Value>()>;

  SingleFlight(async::TaskGroup* tasks, std::size_t flights_max)
      : tasks_(tasks), flights_max_(flights_max) {}

  SingleFlight(const SingleFlight&) = delete;
  SingleFlight& operator=(const SingleFlight&) = delete;
  SingleFlight(SingleFlight&&) = delete;
  SingleFlight& operator=(SingleFlight&&) = delete;
  ~SingleFlight() = default;

  // Starts work unless a fetch of this key is under way. False when too many are.
  bool start(const std::string& key, Work work) { return start_for(key, std::move(work), nullptr); }

  // Errors: those of work; Unavailable when too many fetches are under way.
  Async<Value> join(std::string key, Work work) {
    async::OneShot<Value> answer;
    if (!start_for(key, std::move(work), &answer)) {
      co_return Error(
          Code::Unavailable, "too many requests wait for the same services; try again in a second"
      );
    }
    Result<Value> result = co_await answer.wait();
    if (const auto flight = flights_.find(key); flight != flights_.end()) {
      flight->second.remove(&answer);
    }
    co_return result;
  }

  [[nodiscard]] std::size_t size() const { return flights_.size(); }

 private:
  using Waiters = std::list<async::OneShot<Value>*>;

  // The waiter is known before the fetch begins: a fetch may end before spawn returns.
  bool start_for(const std::string& key, Work work, async::OneShot<Value>* waiter) {
    const bool under_way = flights_.contains(key);
    if (!under_way && flights_.size() >= flights_max_) {
      return false;
    }
    Waiters& waiters = flights_[key];
    if (waiter != nullptr) {
      waiters.push_back(waiter);
    }
    if (!under_way) {
      tasks_->spawn("single-flight", fly(key, std::move(work)));
    }
    return true;
  }

  Async<void> fly(std::string key, Work work) {
    const Result<Value> result = co_await work();
    const auto landed = flights_.extract(key);
    for (auto* waiter : landed.mapped()) {
      waiter->set(result);
    }
    co_return Result<void>();
  }

  async::TaskGroup* tasks_;
  std::size_t flights_max_;
  std::unordered_map<std::string, Waiters> flights_;
};

}  // namespace sluice::ingress
