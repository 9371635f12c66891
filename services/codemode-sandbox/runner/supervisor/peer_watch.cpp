#include "services/codemode-sandbox/runner/supervisor/peer_watch.h"

namespace sluice::codemode_runner {

void PeerWatch::heard(TimePoint now) {
  heard_ = true;
  last_heard_ = now;
}

bool PeerWatch::lost(TimePoint now) {
  if (!heard_ || now - last_heard_ <= kSilenceMax) {
    return false;
  }
  heard_ = false;
  return true;
}

PeerWatch::Duty PeerWatch::due(TimePoint now) const {
  if (now < next_) {
    return Duty::Nothing;
  }
  // This process may have been the silent one: the peer then has given it up already.
  const bool was_silent = now - last_sent_ > kSilenceMax - kBeatEvery;
  return !heard_ || was_silent ? Duty::Ready : Duty::Beat;
}

void PeerWatch::sent(TimePoint now) {
  last_sent_ = now;
  next_ = now + kBeatEvery;
}

}  // namespace sluice::codemode_runner
