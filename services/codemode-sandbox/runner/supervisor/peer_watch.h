// PeerWatch: when to beat, when the other side is gone, when to introduce oneself. Pure: time is an
// argument.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/limits.h"

#include "common/async/clock.h"

namespace sluice::codemode_runner {

class PeerWatch {
 public:
  enum class Duty {
    Nothing,
    Beat,
    Ready,  // introduce: until the peer is heard, and after a silence of either side
  };

  explicit PeerWatch(TimePoint now) : next_(now), last_sent_(now) {}

  // A message came.
  void heard(TimePoint now);

  // True once per silence: what the peer asked for has no owner any more.
  [[nodiscard]] bool lost(TimePoint now);

  // What is to be sent at this time; sent() confirms it. A Ready that could not be sent is due
  // again after kBeatRetry.
  [[nodiscard]] Duty due(TimePoint now) const;
  void sent(TimePoint now);

  void not_sent(TimePoint now) { next_ = now + kBeatRetry; }

  [[nodiscard]] TimePoint next() const { return next_; }

 private:
  TimePoint next_;
  TimePoint last_sent_;
  TimePoint last_heard_;
  bool heard_ = false;  // within kSilenceMax
};

}  // namespace sluice::codemode_runner
