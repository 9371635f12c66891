// ApprovalWatch: who on this replica waits for something to become of an approval. Single thread.
#pragma once

#include "common/async/clock.h"
#include "common/async/one_shot.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <map>
#include <string>
#include <utility>

namespace sluice::ingress {

class ApprovalWatch {
 public:
  // One who waits, while it lives.
  class Place {
   public:
    // The watch outlives it.
    Place(ApprovalWatch* watch, const std::string& approval_id)
        : watch_(watch), entry_(watch->places_.emplace(approval_id, this)) {}

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
    Async<void> wait(async::Clock* clock, TimePoint until) {
      if (!woken_) {
        async::OneShot<void> woken;
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
    ApprovalWatch* watch_;
    std::multimap<std::string, Place*>::iterator entry_;
    bool woken_ = false;
    async::OneShot<void>* waiter_ = nullptr;
  };

  ApprovalWatch() = default;
  ApprovalWatch(const ApprovalWatch&) = delete;
  ApprovalWatch& operator=(const ApprovalWatch&) = delete;
  ApprovalWatch(ApprovalWatch&&) = delete;
  ApprovalWatch& operator=(ApprovalWatch&&) = delete;
  ~ApprovalWatch() = default;

  void heard(const policy::v1::ApprovalChanged& changed) {
    const auto [first, last] = places_.equal_range(changed.id());
    for (auto place = first; place != last; ++place) {
      place->second->wake();
    }
  }

  [[nodiscard]] std::size_t waiting() const { return places_.size(); }

 private:
  std::multimap<std::string, Place*> places_;
};

}  // namespace sluice::ingress
