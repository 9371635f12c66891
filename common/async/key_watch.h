// KeyWatch: who in this process waits for something to become of what has a key. Single thread.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"

#include <map>
#include <string>
#include <utility>

namespace sluice::async {

class KeyWatch {
 public:
  // One who waits, while it lives.
  class Place {
   public:
    // The watch outlives it.
    Place(KeyWatch* watch, const std::string& key)
        : watch_(watch), entry_(watch->places_.emplace(key, this)) {}

    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place(Place&&) = delete;
    Place& operator=(Place&&) = delete;

    ~Place() { watch_->places_.erase(entry_); }

    void wake() {
      woken_ = true;
      if (waiter_ != nullptr) {
        waiter_->set({});
      }
    }

    // Until it is woken, was woken since the last wait, or then. Errors: Cancelled.
    Async<void> wait(Clock* clock, TimePoint until) {
      if (!woken_) {
        OneShot<void> woken;
        waiter_ = &woken;
        const auto timer = clock->schedule(until, [&woken] { woken.set({}); });
        const auto waited = co_await woken.wait();
        waiter_ = nullptr;
        SLUICE_CO_CHECK_OK(waited);
      }
      woken_ = false;
      co_return Result<void>();
    }

   private:
    KeyWatch* watch_;
    std::multimap<std::string, Place*>::iterator entry_;
    bool woken_ = false;
    OneShot<void>* waiter_ = nullptr;
  };

  KeyWatch() = default;
  KeyWatch(const KeyWatch&) = delete;
  KeyWatch& operator=(const KeyWatch&) = delete;
  KeyWatch(KeyWatch&&) = delete;
  KeyWatch& operator=(KeyWatch&&) = delete;
  ~KeyWatch() = default;

  // Wakes everybody who waits for the key.
  void heard(const std::string& key) {
    const auto [first, last] = places_.equal_range(key);
    for (auto place = first; place != last; ++place) {
      place->second->wake();
    }
  }

  [[nodiscard]] std::size_t waiting() const { return places_.size(); }

 private:
  std::multimap<std::string, Place*> places_;
};

}  // namespace sluice::async
