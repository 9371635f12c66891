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
  bool start(const std::string& key, Work work) {
    if (flights_.contains(key)) {
      return true;
    }
    if (flights_.size() >= flights_max_) {
      return false;
    }
    flights_.emplace(key, Waiters());
    tasks_->spawn("single-flight", fly(key, std::move(work)));
    return true;
  }

  // Errors: those of work; Unavailable when too many fetches are under way.
  Async<Value> join(std::string key, Work work) {
    if (!start(key, std::move(work))) {
      co_return Error(
          Code::Unavailable, "too many requests wait for the same services; try again in a second"
      );
    }
    async::OneShot<Value> answer;
    flights_[key].push_back(&answer);
    Result<Value> result = co_await answer.wait();
    if (const auto flight = flights_.find(key); flight != flights_.end()) {
      flight->second.remove(&answer);
    }
    co_return result;
  }

  [[nodiscard]] std::size_t size() const { return flights_.size(); }

 private:
  using Waiters = std::list<async::OneShot<Value>*>;

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
