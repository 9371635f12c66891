// PinBook: the pins of the tools this replica knows, read from the store with each new catalog.
// Single thread.
#pragma once

#include "services/policy-engine/domain/policy_state.h"
#include "services/policy-engine/ports.h"

#include "common/async/clock.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::policy_engine {

// What a check of pins was made under.
struct PinStamp {
  ToolPins mode = ToolPins::Off;
  std::uint64_t revision = 0;  // of the stored policy

  friend bool operator==(const PinStamp&, const PinStamp&) = default;
};

struct CheckedPins {
  std::vector<PinState> states;  // of the catalog's tools in their order
  PinStamp stamp;
  bool complete = false;  // false: the store did not answer, and what is new is not noted yet
};

// While the store does not answer, a tool counts as agreed to only where a check before has read
// that it is, under the stored policy in force.
class PinBook {
 public:
  struct Deps {
    PinStore* store;  // all outlive it
    const PolicyState* policy;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
  };

  explicit PinBook(Deps deps) : deps_(deps) {}

  // catalog: with its servers. Never fails.
  Async<CheckedPins> check(std::shared_ptr<const connector::v1::CatalogReply> catalog);

  // Whether a check of that stamp holds under the policy in force.
  [[nodiscard]] bool is_current(const PinStamp& stamp) const;

  // Whether tools were quarantined since it was asked last.
  [[nodiscard]] bool take_news() { return std::exchange(news_, false); }

 private:
  [[nodiscard]] PinStamp wanted() const;
  CheckedPins checked_from(
      const connector::v1::CatalogReply& catalog, const std::vector<std::string>& pinned_hashes
  );
  CheckedPins from_memory(const connector::v1::CatalogReply& catalog, PinStamp wanted);
  void tell(const PinCheckReply& reply);
  void count(const CheckedPins& checked);

  Deps deps_;
  std::map<ToolName, std::string> pinned_;  // hashes, of the catalog that was checked last
  std::uint64_t revision_ = 0;              // of the stored policy when they were read
  bool news_ = true;                        // a replica before may have ended between
};

}  // namespace sluice::policy_engine
