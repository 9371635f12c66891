// Fakes of ports.h. Each may be made to fail by a FaultPlan.
#pragma once

#include "services/policy-engine/ports.h"

#include "common/testing/fault_plan.h"

#include <string>
#include <vector>

namespace sluice::policy_engine {

// Answers the catalog a test put in.
class FakeToolServers final : public ToolServers {
 public:
  explicit FakeToolServers(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<connector::v1::CatalogReply> catalog(
      connector::v1::CatalogRequest request, RequestContext context
  ) override;

  // Adds a tool, or replaces its definition, and gives the catalog a new version.
  void put(
      const std::string& server, const std::string& tool, const std::string& definition = "{}"
  );
  // A server without tools, connected unless another state is given.
  void put_server(
      const std::string& server,
      connector::v1::ServerState state = connector::v1::SERVER_STATE_CONNECTED
  );
  void remove_all();

  [[nodiscard]] int fetches() const { return fetches_; }

  [[nodiscard]] const std::string& version() const { return reply_.version(); }

 private:
  connector::v1::ServerCatalog* server_named(const std::string& server);
  void take_new_version();

  testing::FaultPlan* faults_;
  connector::v1::CatalogReply reply_;
  int changes_ = 0;
  int fetches_ = 0;
};

// The sequence in memory.
class FakeVersionStore final : public VersionStore {
 public:
  explicit FakeVersionStore(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<BoundVersion> claim(std::string hash) override;
  Async<BoundVersion> newest() override;

 private:
  testing::FaultPlan* faults_;
  std::vector<BoundVersion> versions_;
};

// Publishes what a test put in.
class FakeKeySets final : public KeySets {
 public:
  explicit FakeKeySets(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<std::string> fetch(JwtIssuer issuer, TimePoint deadline) override;

  void set_down(bool down) { down_ = down; }

  std::string published;
  std::vector<std::string> fetches;  // the issuers asked

 private:
  testing::FaultPlan* faults_;
  bool down_ = false;
};

class RecordingBeatSink final : public BeatSink {
 public:
  explicit RecordingBeatSink(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Result<void> publish(const policy::v1::PolicyBeat& beat) override;

  [[nodiscard]] const std::vector<policy::v1::PolicyBeat>& beats() const { return beats_; }

 private:
  testing::FaultPlan* faults_;
  std::vector<policy::v1::PolicyBeat> beats_;
};

}  // namespace sluice::policy_engine
