// PreparedDeclarations: what the compiler zygote is given to work on before scripts need it. As
// many as the zygote keeps; those that ended a zygote are never given again. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::codemode_runner {

class PreparedDeclarations {
 public:
  struct Entry {
    std::string digest;
    std::string text;
  };

  PreparedDeclarations(std::size_t kept_max, std::size_t refused_max)
      : kept_max_(kept_max), refused_max_(refused_max) {}

  // The entry to tell the zygote of; null when it has it, or is not to have it. Valid until the
  // next call.
  [[nodiscard]] const Entry* add(std::string_view digest, std::string_view text);

  // It ended the zygote that was given it.
  void refuse(const std::string& digest);

  // In the order they were told: for a fresh zygote.
  [[nodiscard]] const std::deque<Entry>& all() const { return kept_; }

 private:
  std::size_t kept_max_;
  std::size_t refused_max_;
  std::deque<Entry> kept_;
  std::set<std::string, std::less<>> refused_;
};

// What one zygote was told and has not shown to survive: it shows it by the answer to a later
// order.
class TellsUnderWay {
 public:
  // last_order: the newest order before it.
  void told(std::string digest, std::uint64_t last_order) {
    told_.push_back({std::move(digest), last_order});
  }

  void answered(std::uint64_t order) {
    while (!told_.empty() && told_.front().last_order < order) {
      told_.pop_front();
    }
  }

  // What the zygote died of, if it died of any; empty when there is none.
  [[nodiscard]] std::string suspect() const {
    return told_.empty() ? std::string() : told_.front().digest;
  }

 private:
  struct Told {
    std::string digest;
    std::uint64_t last_order = 0;
  };

  std::deque<Told> told_;
};

}  // namespace sluice::codemode_runner
