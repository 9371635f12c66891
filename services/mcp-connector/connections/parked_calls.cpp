#include "services/mcp-connector/connections/parked_calls.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

constexpr std::size_t kIdBytes = 16;

bool is_of(
    const GrantedCall& call,
    const connector::v1::Input& input,
    const policy::v1::CallerClaims& caller
) {
  const std::string_view params = input.params().empty() ? "{}" : std::string_view(input.params());
  return call.claims.tenant() == caller.tenant() && call.claims.principal() == caller.principal() &&
         call.request.server_id() == input.server_id() && call.request.method() == input.method() &&
         call.request.params() == params;
}

Error shutting_down() {
  return Error(
      Code::Unavailable, "this replica is shutting down and waits for no input; send the call again"
  );
}

}  // namespace

Result<std::string> ParkedCalls::park(SharedCall call) {
  if (closed_) {
    return shutting_down();
  }
  if (entries_.size() >= kParkedMax) {
    return Error(
        Code::Exhausted, "too many calls wait for input of their callers; try again later"
    );
  }
  std::string id = to_hex(crypto::random_bytes(kIdBytes));
  call->parked = true;
  auto timer = clock_->schedule(clock_->now() + kParkedFor, [this, id] {
    abandon(id, Error(Code::Deadline, "the caller did not answer what the MCP server asked"));
  });
  entries_.emplace(id, Entry{.call = std::move(call), .timer = std::move(timer)});
  return id;
}

Result<SharedCall> ParkedCalls::take(
    const connector::v1::Input& input, const policy::v1::CallerClaims& caller
) {
  const auto place = entries_.find(input.request_id());
  if (place == entries_.end() || !is_of(*place->second.call, input, caller)) {
    return Error(
        Code::NotFound, "this request is not waiting for input (any more); send the call again"
    );
  }
  SharedCall call = std::move(place->second.call);
  entries_.erase(place);
  return call;
}

void ParkedCalls::abandon(const std::string& id, Error why) {
  const auto place = entries_.find(id);
  if (place == entries_.end()) {
    return;
  }
  const Entry entry = std::move(place->second);  // its timer may be what calls this
  entries_.erase(place);
  entry.call->unanswerable = std::move(why);
  entry.call->wake();
}

void ParkedCalls::close() {
  closed_ = true;
  while (!entries_.empty()) {
    const std::string id = entries_.begin()->first;
    abandon(id, shutting_down());
  }
}

}  // namespace sluice::mcp_connector
