// Services and children of a test: what they were sent is kept, what they say the test says.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/ports.h"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::codemode_runner {

class FakeServices final : public Services {
 public:
  Pace send(ServiceId service, const wire::ToService& message) override;

  // Messages of one kind that were sent to the service.
  [[nodiscard]] std::vector<wire::Finished> finished(ServiceId service) const;
  [[nodiscard]] std::vector<wire::Checked> checked(ServiceId service) const;
  [[nodiscard]] std::vector<wire::Refused> refused(ServiceId service) const;
  [[nodiscard]] std::vector<wire::ToolCall> calls(ServiceId service) const;
  [[nodiscard]] std::vector<wire::Console> console(ServiceId service) const;

  void set_pace(Pace pace) { pace_ = pace; }

  [[nodiscard]] std::size_t sent() const { return sent_.size(); }

 private:
  Pace pace_ = Pace::Keeps;
  std::vector<std::pair<ServiceId, wire::ToService>> sent_;
};

class FakeChildren final : public Children {
 public:
  struct Child {
    ChildKind kind = ChildKind::Executor;
    std::vector<wire::ToChild> messages;
    bool killed = false;
    bool read = true;
  };

  // One more idle child. Returns its id; Runs::child_idle is the test's to call.
  ChildId add_idle(ChildKind kind);

  // The child is no more; Runs::child_ended is the test's to call.
  void remove(ChildId child) { taken_.erase(child); }

  // The next messages are too many for a child.
  void refuse_messages() { refuses_ = true; }

  [[nodiscard]] const Child& taken(ChildId child) const { return taken_.at(child); }

  [[nodiscard]] const std::map<ChildId, Child>& all_taken() const { return taken_; }

  [[nodiscard]] bool is_taken(ChildId child) const { return taken_.contains(child); }

  // Digest -> declarations.
  [[nodiscard]] const std::map<std::string, std::string>& prepared() const { return prepared_; }

  [[nodiscard]] std::size_t waiting(ChildKind kind) const {
    return kind == ChildKind::Compiler ? waiting_compiler_ : waiting_executor_;
  }

  std::optional<ChildId> take(ChildKind kind) override;
  void set_waiting(ChildKind kind, std::size_t waiting) override;
  bool send(ChildId child, const wire::ToChild& message) override;
  void prepare(const std::string& digest, const std::string& declarations) override;
  void kill(ChildId child) override;
  void read(ChildId child, bool wanted) override;

 private:
  ChildId last_id_ = 0;
  bool refuses_ = false;
  std::size_t waiting_compiler_ = 0;
  std::size_t waiting_executor_ = 0;
  std::map<ChildKind, std::deque<ChildId>> idle_;
  std::map<ChildId, Child> taken_;
  std::map<std::string, std::string> prepared_;
};

}  // namespace sluice::codemode_runner
