// Ordinary records, tokens and contexts for tests; a test changes only what it is about.
#pragma once

#include "common/async/request_context.h"
#include "common/crypto/seal.h"
#include "common/grant/grant.h"

#include "proto/sluice/audit/v1/audit.pb.h"

#include <string>

namespace sluice::audit_writer {

inline constexpr std::int64_t kTestUnixMs = 1767323045000;  // ManualClock's start

// A complete record of that action with an event id of its own, by mcp-connector if it is an intent
// or outcome, else by ingress.
[[nodiscard]] audit::v1::Record test_record(const std::string& action, std::uint64_t sequence = 1);

[[nodiscard]] inline crypto::SealingKey test_body_key() {
  return crypto::SealingKey::from_hex(Secret<std::string>(std::string(64, 'a'))).value();
}

// A signer of caller tokens and the ring that trusts it.
class TestCallers {
 public:
  TestCallers() { keys_.add(signer_.public_key()); }

  [[nodiscard]] const grant::KeyRing& keys() const { return keys_; }

  // A context with a token of that principal; role "" for none.
  [[nodiscard]] RequestContext context(
      const std::string& principal, const std::string& role, std::int64_t now_unix_ms
  ) const;
  // A context of that run with a run token of another or the same; long after it was signed.
  [[nodiscard]] RequestContext context_of_run(
      const std::string& run, const std::string& token_run, std::int64_t now_unix_ms
  ) const;

 private:
  crypto::PrivateKey signer_ = crypto::PrivateKey::generate();
  grant::KeyRing keys_;
};

}  // namespace sluice::audit_writer
