// Channel<T>: a bounded queue between coroutines of one thread. Semaphore: a bounded number of
// permits.
#pragma once

#include "common/async/async.h"
#include "common/async/one_shot.h"

#include <deque>
#include <list>
#include <optional>
#include <utility>

namespace sluice::async {

// Any number of producers, one consumer. close() lets the consumer drain what is queued, then pop()
// yields nullopt.
template <class T>
class Channel {
 public:
  // capacity: items held before try_push refuses and push waits; at least 1.
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  Channel(Channel&&) = delete;
  Channel& operator=(Channel&&) = delete;
  ~Channel() = default;

  // False when full or closed; the item is not taken then.
  [[nodiscard]] bool try_push(T& item) {
    if (closed_ || items_.size() >= capacity_) {
      return false;
    }
    items_.push_back(std::move(item));
    if (consumer_ != nullptr) {
      std::exchange(consumer_, nullptr)->set({});
    }
    return true;
  }

  // Waits for room. Errors: Unavailable (closed), Cancelled.
  Async<void> push(T item) {
    while (!try_push(item)) {
      if (closed_) {
        co_return Error(Code::Unavailable, "the channel is closed");
      }
      OneShot<void> room;
      producers_.push_back(&room);
      const auto woken = co_await room.wait();
      producers_.remove(&room);
      SLUICE_CO_CHECK_OK(woken);
    }
    co_return Result<void>();
  }

  // The next item, or nullopt when closed and drained. Errors: Cancelled.
  Async<std::optional<T>> pop() {
    while (items_.empty()) {
      if (closed_) {
        co_return std::optional<T>();
      }
      OneShot<void> item;
      SLUICE_CHECK(consumer_ == nullptr, "a Channel has one consumer");
      consumer_ = &item;
      const auto woken = co_await item.wait();
      if (consumer_ == &item) {
        consumer_ = nullptr;
      }
      SLUICE_CO_CHECK_OK(woken);
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    if (!producers_.empty()) {
      auto* producer = producers_.front();
      producers_.pop_front();
      producer->set({});
    }
    co_return item;
  }

  void close() {
    closed_ = true;
    if (consumer_ != nullptr) {
      std::exchange(consumer_, nullptr)->set({});
    }
    for (auto* producer : std::exchange(producers_, {})) {
      producer->set({});
    }
  }

  [[nodiscard]] std::size_t size() const { return items_.size(); }

  [[nodiscard]] bool closed() const { return closed_; }

 private:
  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> items_;
  OneShot<void>* consumer_ = nullptr;
  std::list<OneShot<void>*> producers_;
};

// Permits are given back when the Permit goes.
class Semaphore {
 public:
  class Permit {
   public:
    explicit Permit(Semaphore* owner) : owner_(owner) {}

    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}

    Permit& operator=(Permit&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }

    ~Permit() {
      if (owner_ != nullptr) {
        owner_->release();
      }
    }

   private:
    Semaphore* owner_;
  };

  explicit Semaphore(std::size_t permits) : free_(permits) {}

  // Errors: Cancelled.
  Async<Permit> acquire() {
    while (free_ == 0) {
      OneShot<void> turn;
      waiters_.push_back(&turn);
      const auto woken = co_await turn.wait();
      waiters_.remove(&turn);
      SLUICE_CO_CHECK_OK(woken);
    }
    --free_;
    co_return Permit(this);
  }

  [[nodiscard]] std::optional<Permit> try_acquire() {
    if (free_ == 0) {
      return std::nullopt;
    }
    --free_;
    return Permit(this);
  }

 private:
  void release() {
    ++free_;
    if (!waiters_.empty()) {
      auto* waiter = waiters_.front();
      waiters_.pop_front();
      waiter->set({});
    }
  }

  std::size_t free_;
  std::list<OneShot<void>*> waiters_;
};

}  // namespace sluice::async
