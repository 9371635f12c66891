// RunnerSlots: the runners that are connected, what each of them has, and how many slots are free.
// A runner's word and what this instance knows of it are held together: the smaller counts.
#pragma once

#include "common/async/clock.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace sluice::codemode_sandbox {

class RunnerSlots {
 public:
  // A runner, by the connection it is reached over.
  struct Peer {
    std::string runner_id;
    std::uint32_t slots = 0;
    std::uint32_t free = 0;
    TimePoint heard;
    std::set<std::string> runs;    // ids of those it has
    std::set<std::string> parked;  // of those, which take no slot

    // What it says of itself.
    void tell_free(std::uint32_t told);
    void take(const std::string& run);
    // The run is over there: its slot is free at once.
    void give_back(const std::string& run);
    // The run is no more ours; its slot counts as taken until the runner says otherwise.
    void forget(const std::string& run);
    void park(const std::string& run, bool now_parked);
  };

  // Null when it is not connected.
  [[nodiscard]] Peer* find(const std::string& peer);

  Peer& add(const std::string& peer) { return peers_[peer]; }

  void remove(const std::string& peer) { peers_.erase(peer); }

  // The one with the most free slots, one that has not refused the run before others. Null: no slot
  // is free. Its name is put into peer.
  [[nodiscard]] Peer* best(const std::set<std::string>& refusers, std::string* peer);

  [[nodiscard]] const std::map<std::string, Peer>& all() const { return peers_; }

  [[nodiscard]] std::uint32_t free() const;

 private:
  std::map<std::string, Peer> peers_;
};

}  // namespace sluice::codemode_sandbox
