#include "services/codemode-sandbox/testing/codemode_fixture.h"

#include <utility>

namespace sluice::codemode_sandbox {
namespace {

grant::KeyRing ring_of(const crypto::PrivateKey& key) {
  grant::KeyRing ring;
  ring.add(key.public_key());
  return ring;
}

}  // namespace

Async<codemode::v1::RunFinal> FakeRunners::run(
    policy::v1::CallerClaims caller,
    codemode::v1::RunRequest request,
    ConsoleWriter* console,
    RequestContext /*context*/
) {
  ++calls_;
  codemode::v1::RunProgress progress;
  progress.set_console(caller.principal());
  SLUICE_CO_CHECK_OK(co_await console->write(progress));
  codemode::v1::RunFinal final;
  final.set_value(std::to_string(request.source().size()));
  co_return final;
}

Async<codemode::v1::DescribeReply> FakeRunners::describe(
    policy::v1::CallerClaims caller,
    codemode::v1::DescribeRequest request,
    RequestContext /*context*/
) {
  ++calls_;
  codemode::v1::DescribeReply reply;
  reply.set_text(caller.principal() + " " + request.file_name());
  co_return reply;
}

Async<codemode::v1::RunsReply> FakeRunners::runs(
    policy::v1::CallerClaims caller, codemode::v1::RunsRequest request, RequestContext /*context*/
) {
  ++calls_;
  codemode::v1::RunsReply reply;
  reply.set_runs(caller.principal() + " " + request.run_id());
  co_return reply;
}

Async<void> RecordingConsole::write(codemode::v1::RunProgress chunk) {
  lines_.push_back(chunk.console());
  co_return Result<void>();
}

CodemodeFixture::CodemodeFixture() : callers(ring_of(key_), &clock) {}

RequestContext CodemodeFixture::context() const {
  return context_signed_by(key_);
}

RequestContext CodemodeFixture::stranger() const {
  return context_signed_by(crypto::PrivateKey::generate());
}

RequestContext CodemodeFixture::context_signed_by(const crypto::PrivateKey& key) const {
  policy::v1::CallerClaims claims;
  claims.set_tenant("default");
  claims.set_principal("key:team-a");
  claims.set_not_before_unix_ms(clock.unix_ms());
  claims.set_not_after_unix_ms(clock.unix_ms() + grant::kTokenLifeMs);
  RequestContext context;
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:team-a");
  context.deadline = clock.now() + std::chrono::seconds(10);
  context.caller_token = grant::sign_token(key, claims);
  return context;
}

}  // namespace sluice::codemode_sandbox
