// Timeouts: any number of deadlines on one Clock timer. Used inside the bus.
#pragma once

#include "common/async/clock.h"

#include <map>
#include <memory>
#include <optional>

namespace sluice::bus {

// Something with one next moment. It leaves its Timeouts before it goes.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  Timed(Timed&&) = delete;
  Timed& operator=(Timed&&) = delete;
  virtual ~Timed() = default;

  // Its moment has come; it is in no Timeouts then and may enter again, for a later moment, or
  // destroy itself.
  virtual void due(TimePoint now) = 0;

 private:
  friend class Timeouts;
  std::optional<std::multimap<TimePoint, Timed*>::iterator> place_;
};

// Thread: the shard's.
class Timeouts {
 public:
  explicit Timeouts(async::Clock* clock) : clock_(clock) {}

  // Replaces the moment it had.
  void set(Timed* timed, TimePoint when);
  void remove(Timed* timed);

 private:
  void arm();
  void fire();

  async::Clock* clock_;
  std::multimap<TimePoint, Timed*> queue_;
  TimePoint armed_ = TimePoint::max();
  std::unique_ptr<async::Timer> timer_;
  bool firing_ = false;
};

}  // namespace sluice::bus
