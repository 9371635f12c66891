#include "services/audit-writer/domain/producer_rule.h"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::audit_writer {
namespace {

struct Owned {
  std::string_view action;  // with a dot at its end: all that begin so
  std::string_view producer;
};

// What would pass for an effect, a decision or somebody's answer. Everything else any service may
// record about itself.
constexpr std::array kOwned{
    Owned{"tool.intent", "mcp-connector"},
    Owned{"tool.outcome", "mcp-connector"},
    Owned{"tool.input", "mcp-connector"},
    Owned{"tool.input_required", "mcp-connector"},
    Owned{"server.", "mcp-connector"},
    Owned{"policy.", "policy-engine"},
    Owned{"approval.", "policy-engine"},
    Owned{"key.", "policy-engine"},
    Owned{"pin.", "policy-engine"},
    Owned{"run.", "codemode-sandbox"},
};

bool covers(const Owned& owned, std::string_view action) {
  return owned.action.ends_with('.') ? action.starts_with(owned.action) : action == owned.action;
}

}  // namespace

Result<void> check_producer(const audit::v1::Record& record, std::string_view sender) {
  if (record.producer() != sender) {
    return Error(
        Code::Denied,
        "sent by " + std::string(sender.empty() ? "nobody known" : sender) + " as a record of " +
            record.producer()
    );
  }
  const auto owned = std::find_if(kOwned.begin(), kOwned.end(), [&record](const Owned& entry) {
    return covers(entry, record.action());
  });
  if (owned != kOwned.end() && owned->producer != sender) {
    return Error(
        Code::Denied,
        record.action() + " is for " + std::string(owned->producer) + " to record, not for " +
            std::string(sender)
    );
  }
  return {};
}

}  // namespace sluice::audit_writer
