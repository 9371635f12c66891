#include "services/codemode-sandbox/domain/parking.h"

#include <algorithm>

namespace sluice::codemode_sandbox {

std::optional<std::chrono::milliseconds> Parking::begin_wait(
    ParkingLot* lot, TimePoint now, const std::unique_ptr<Script>& script
) {
  if (waited_ >= lot->time_max || (waiting_ == 0 && lot->runs >= lot->runs_max)) {
    return std::nullopt;
  }
  if (waiting_ == 0) {
    lot_ = lot;
    ++lot->runs;
    since_ = now;
  }
  ++waiting_;
  tell(script);
  const auto waited = waited_ + std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  return std::max(lot->time_max - waited, std::chrono::milliseconds(0));
}

void Parking::end_wait(TimePoint now, const std::unique_ptr<Script>& script) {
  --waiting_;
  if (waiting_ == 0) {
    --lot_->runs;
    waited_ += std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  }
  tell(script);
}

void Parking::tell(const std::unique_ptr<Script>& script) {
  const bool parked = waiting_ > 0 && waiting_ == under_way_;
  if (parked == parked_) {
    return;
  }
  parked_ = parked;
  if (script != nullptr) {
    script->park(parked);
  }
}

}  // namespace sluice::codemode_sandbox
