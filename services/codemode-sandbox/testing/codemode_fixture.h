// A caller with a signed token, and runners that answer as told, for tests of the handlers.
#pragma once

#include "services/codemode-sandbox/domain/caller_check.h"
#include "services/codemode-sandbox/ports.h"

#include "common/crypto/ed25519.h"
#include "common/testing/manual_clock.h"

#include <string>
#include <vector>

namespace sluice::codemode_sandbox {

// Answers with who asked and for what.
class FakeRunners final : public Runners {
 public:
  Async<codemode::v1::RunFinal> run(
      policy::v1::CallerClaims caller,
      codemode::v1::RunRequest request,
      ConsoleWriter* console,
      RequestContext context
  ) override;
  Async<codemode::v1::DescribeReply> describe(
      policy::v1::CallerClaims caller, codemode::v1::DescribeRequest request, RequestContext context
  ) override;
  Async<codemode::v1::RunsReply> runs(
      policy::v1::CallerClaims caller, codemode::v1::RunsRequest request, RequestContext context
  ) override;

  [[nodiscard]] int calls() const { return calls_; }

 private:
  int calls_ = 0;
};

class RecordingConsole final : public ConsoleWriter {
 public:
  Async<void> write(codemode::v1::RunProgress chunk) override;

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

class CodemodeFixture {
 public:
  CodemodeFixture();

  // Of tenant "default" and principal "key:team-a", with a token that is valid for the next minute.
  [[nodiscard]] RequestContext context() const;
  // The same with a token signed by a key nobody trusts.
  [[nodiscard]] RequestContext stranger() const;

  testing::ManualClock clock;
  FakeRunners runners;
  RecordingConsole console;

 private:
  [[nodiscard]] RequestContext context_signed_by(const crypto::PrivateKey& key) const;

  crypto::PrivateKey key_ = crypto::PrivateKey::generate();

 public:
  CallerCheck callers;
};

}  // namespace sluice::codemode_sandbox
