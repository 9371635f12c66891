// Parking: a script whose calls wait for people. While every call under way of a run waits, its
// runner lets its time stand still; the waits of one run take a bounded time together, and a
// bounded number of runs waits at once. Single thread.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include "common/async/clock.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace sluice::codemode_sandbox {

// Settings codemode.park_seconds and codemode.parked_max, and how many runs wait now.
struct ParkingLot {
  std::chrono::milliseconds time_max{60'000};
  std::size_t runs_max = 200;
  std::size_t runs = 0;
};

// Of one run.
class Parking {
 public:
  Parking() = default;
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;
  Parking(Parking&&) = delete;
  Parking& operator=(Parking&&) = delete;

  ~Parking() {
    if (waiting_ > 0) {
      --lot_->runs;
    }
  }

  // A call is under way while it lives. script: whose script it is told; may become null.
  class Call {
   public:
    Call(Parking* parking, const std::unique_ptr<Script>* script)
        : parking_(parking), script_(script) {
      ++parking_->under_way_;
      parking_->tell(*script_);
    }

    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    Call(Call&&) = delete;
    Call& operator=(Call&&) = delete;

    ~Call() {
      --parking_->under_way_;
      parking_->tell(*script_);
    }

   private:
    Parking* parking_;
    const std::unique_ptr<Script>* script_;
  };

  // A call waits from now on: the time it may. nullopt: it may not, and no end_wait follows.
  [[nodiscard]] std::optional<std::chrono::milliseconds> begin_wait(
      ParkingLot* lot, TimePoint now, const std::unique_ptr<Script>& script
  );
  void end_wait(TimePoint now, const std::unique_ptr<Script>& script);

 private:
  void tell(const std::unique_ptr<Script>& script);

  ParkingLot* lot_ = nullptr;
  std::size_t under_way_ = 0;
  std::size_t waiting_ = 0;
  bool parked_ = false;
  TimePoint since_;
  std::chrono::milliseconds waited_{0};
};

}  // namespace sluice::codemode_sandbox
