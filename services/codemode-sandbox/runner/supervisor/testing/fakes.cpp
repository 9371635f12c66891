#include "services/codemode-sandbox/runner/supervisor/testing/fakes.h"

#include "common/base/check.h"

namespace sluice::codemode_runner {

Services::Pace FakeServices::send(ServiceId service, const wire::ToService& message) {
  sent_.emplace_back(service, message);
  return pace_;
}

std::vector<wire::Finished> FakeServices::finished(ServiceId service) const {
  std::vector<wire::Finished> found;
  for (const auto& [to, message] : sent_) {
    if (to == service && message.has_finished()) {
      found.push_back(message.finished());
    }
  }
  return found;
}

std::vector<wire::Checked> FakeServices::checked(ServiceId service) const {
  std::vector<wire::Checked> found;
  for (const auto& [to, message] : sent_) {
    if (to == service && message.has_checked()) {
      found.push_back(message.checked());
    }
  }
  return found;
}

std::vector<wire::Refused> FakeServices::refused(ServiceId service) const {
  std::vector<wire::Refused> found;
  for (const auto& [to, message] : sent_) {
    if (to == service && message.has_refused()) {
      found.push_back(message.refused());
    }
  }
  return found;
}

std::vector<wire::ToolCall> FakeServices::calls(ServiceId service) const {
  std::vector<wire::ToolCall> found;
  for (const auto& [to, message] : sent_) {
    if (to == service && message.has_call()) {
      found.push_back(message.call());
    }
  }
  return found;
}

std::vector<wire::Console> FakeServices::console(ServiceId service) const {
  std::vector<wire::Console> found;
  for (const auto& [to, message] : sent_) {
    if (to == service && message.has_console()) {
      found.push_back(message.console());
    }
  }
  return found;
}

ChildId FakeChildren::add_idle(ChildKind kind) {
  idle_[kind].push_back(++last_id_);
  return last_id_;
}

std::optional<ChildId> FakeChildren::take(ChildKind kind) {
  std::deque<ChildId>& idle = idle_[kind];
  if (idle.empty()) {
    return std::nullopt;
  }
  const ChildId id = idle.front();
  idle.pop_front();
  taken_[id].kind = kind;
  return id;
}

void FakeChildren::set_waiting(ChildKind kind, std::size_t waiting) {
  (kind == ChildKind::Compiler ? waiting_compiler_ : waiting_executor_) = waiting;
}

bool FakeChildren::send(ChildId child, const wire::ToChild& message) {
  SLUICE_CHECK(taken_.contains(child), "only a child that was taken is sent something");
  taken_[child].messages.push_back(message);
  return !refuses_;
}

void FakeChildren::prepare(const std::string& digest, const std::string& declarations) {
  prepared_[digest] = declarations;
}

void FakeChildren::kill(ChildId child) {
  SLUICE_CHECK(taken_.contains(child), "only a child that was taken is killed");
  taken_[child].killed = true;
}

void FakeChildren::read(ChildId child, bool wanted) {
  SLUICE_CHECK(taken_.contains(child), "only a child that was taken is read");
  taken_[child].read = wanted;
}

}  // namespace sluice::codemode_runner
