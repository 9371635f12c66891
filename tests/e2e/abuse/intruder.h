// Intruder: speaks to a running stack over NATS with the user and password of one service. What it
// holds besides is in Setting; the rest is what anybody could make.
#pragma once

#include "common/async/clock.h"
#include "common/bus/bus.h"
#include "common/crypto/ed25519.h"
#include "common/grant/grant.h"

#include "proto/endpoints.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::e2e {

struct Setting {
  std::string url, user, password;
  std::string key;           // of a caller, for the abuses with one caller's credential
  std::string other_key;     // of another caller, whose statements were seen in flight
  std::string approver_key;  // of who answers approvals: never used by an abuse itself
  // The services' own keys, to make statements that expired or were seen: as captured, not as held.
  std::string token_signing_pem, grant_signing_pem;
  std::string forger_pem;  // the intruder's own key
  std::string go_file;     // "hold": sends its grant when this file is there
  std::string arguments;   // "hold"
  std::string tool;        // "hold"
  std::string approval;    // "hold"
  std::string decision;    // "hold": hexadecimal
  std::string call;        // "hold": id of the tool call
};

struct Tool {
  std::string server_id;
  std::string server;
  std::string tool;
  std::string definition_hash;
};

// One request to the connector; what is empty is taken from the tool "ledger-append".
struct Sent {
  std::string arguments;
  std::string grant;
  std::string token;
  std::string server_id = {};
  std::string method = "tools/call";
};

// One call put to policy-engine.
struct Asked {
  Tool tool;
  std::string arguments;
  std::string token;
  std::string approval = {};
  std::string decision_id = {};
  policy::v1::Mode mode = policy::v1::MODE_MANUAL;
  std::int64_t decided_ago_ms = 0;
};

class Intruder {
 public:
  Intruder(Setting setting, bus::Bus* bus, bus::Transport* transport, async::Clock* clock);

  // Learns the catalog, and authenticates as both callers and the approver.
  Async<void> prepare();

  // --- what an abuse does -----------------------------------------------------------------------
  // Results as "OK" or the canonical code.
  Async<std::string> send(Sent sent);
  Async<policy::v1::DecideReply> decide(Asked asked);
  // "OK" if there is a grant, else "Denied", or the code of the request itself.
  Async<std::string> verdict(Asked asked);
  // A grant. Errors: Denied.
  Async<std::string> granted(Asked asked);
  // "Denied" if nats-server says so, else "OK".
  Async<std::string> publish(std::string subject, std::string bytes);
  Async<std::string> subscribe(std::string subject);
  // Bytes where a request is expected; answered or not, it is "Ignored".
  Async<std::string> throw_at(std::string subject, std::string reply, std::string bytes);
  // An approval asked for with that token and answered by the approver, if it is to be.
  enum class Then { Wait, Approve, Deny };
  Async<std::string> approval(Asked asked, Then then);
  Async<std::string> authenticate(std::string credential);

  template <class Request, class Reply>
  Async<std::string> call(
      endpoints::Call<Request, Reply> endpoint, Request request, std::string token
  ) {
    const auto reply = co_await bus_->call(endpoint, std::move(request), context(std::move(token)));
    co_return code_of(reply);
  }

  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result.ok() ? "OK" : std::string(name_of(result.error().code()));
  }

  // --- what it holds
  // ------------------------------------------------------------------------------
  [[nodiscard]] const Setting& setting() const { return setting_; }

  [[nodiscard]] bus::Bus* bus() const { return bus_; }

  [[nodiscard]] bus::Transport* transport() const { return transport_; }

  [[nodiscard]] const Tool& tool(const std::string& name) const;  // "<server>-<tool>"

  [[nodiscard]] const std::string& token() const { return token_; }

  [[nodiscard]] const std::string& other_token() const { return other_token_; }

  [[nodiscard]] const std::string& approver_token() const { return approver_token_; }

  [[nodiscard]] std::int64_t now_ms() const { return clock_->unix_ms(); }

  [[nodiscard]] async::Clock* clock() const { return clock_; }

  [[nodiscard]] RequestContext context(std::string token) const;

  [[nodiscard]] const crypto::PrivateKey& forger() const { return *forger_; }

  // Captured: what the services' own keys signed.
  [[nodiscard]] const crypto::PrivateKey& token_key() const { return *token_key_; }

  [[nodiscard]] const crypto::PrivateKey& grant_key() const { return *grant_key_; }

  // Names the requests that follow, in the trail too.
  void begin(std::string name) { name_ = std::move(name); }

 private:
  Async<std::string> await_violation(std::string subject);

  Setting setting_;
  bus::Bus* bus_;
  bus::Transport* transport_;
  async::Clock* clock_;
  std::string name_ = "prepare";
  std::map<std::string, Tool> tools_;
  std::string token_, other_token_, approver_token_;
  std::optional<crypto::PrivateKey> forger_, token_key_, grant_key_;
  std::vector<std::string> violations_;
};

// The parts of a signed statement. Aborts on bytes that are none: they are the intruder's own.
[[nodiscard]] policy::v1::SignedGrant parts_of(const std::string& signed_grant);
[[nodiscard]] policy::v1::Grant grant_in(const std::string& signed_grant);
[[nodiscard]] policy::v1::CallerClaims claims_in(const std::string& token);

}  // namespace sluice::e2e
