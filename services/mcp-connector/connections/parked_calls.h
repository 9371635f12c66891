// ParkedCalls: the calls of this replica whose callers were asked something and have not answered
// yet.
#pragma once

#include "services/mcp-connector/connections/granted_call.h"

#include <map>
#include <memory>
#include <string>

namespace sluice::mcp_connector {

// Life: outlives the calls; before its end close(). Thread: the shard's one.
class ParkedCalls {
 public:
  explicit ParkedCalls(async::Clock* clock) : clock_(clock) {}

  // The unguessable id under which the call waits for kParkedFor; then, or when this closes, it
  // becomes unanswerable. Errors: Exhausted (too many wait), Unavailable (closed).
  [[nodiscard]] Result<std::string> park(SharedCall call);
  // Once for each id, and only by the caller of that very call. Errors: NotFound.
  [[nodiscard]] Result<SharedCall> take(
      const connector::v1::Input& input, const policy::v1::CallerClaims& caller
  );
  // Nothing waits any more, from now on.
  void close();

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    SharedCall call;
    std::unique_ptr<async::Timer> timer;
  };

  void abandon(const std::string& id, Error why);

  async::Clock* clock_;
  bool closed_ = false;
  std::map<std::string, Entry> entries_;  // by request id
};

}  // namespace sluice::mcp_connector
