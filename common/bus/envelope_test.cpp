#include "common/bus/envelope.h"

#include "common/bus/limits.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::bus {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

constexpr TimePoint kNow{1h};

std::string sample() {
  common::v1::Envelope envelope;
  envelope.set_correlation_id("0123456789abcdef");
  envelope.set_kind(common::v1::KIND_REQUEST);
  envelope.set_tenant("default");
  std::string bytes;
  append_frame(bytes, envelope, std::string("pay\0load", 8));
  return bytes;
}

TEST(Frame, RoundTrips) {
  const std::string bytes = sample();

  const auto frame = parse_frame(bytes);

  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(frame.value().envelope.correlation_id(), "0123456789abcdef");
  EXPECT_EQ(frame.value().envelope.tenant(), "default");
  EXPECT_EQ(frame.value().payload, std::string_view("pay\0load", 8));
}

TEST(Frame, IsAppendedToWhatIsThere) {
  std::string bytes = "before";
  append_frame(bytes, common::v1::Envelope(), "after");

  EXPECT_TRUE(bytes.starts_with("before"));
  EXPECT_THAT(parse_frame(std::string_view(bytes).substr(6)), IsOk());
}

TEST(Frame, EveryShorterPieceOfTheEnvelopeIsInvalid) {
  const std::string bytes = sample();
  const std::size_t envelope_end = bytes.size() - 8;

  for (std::size_t length = 0; length < envelope_end; ++length) {
    EXPECT_THAT(parse_frame(bytes.substr(0, length)), HasCode(Code::Invalid)) << length;
  }
  EXPECT_THAT(parse_frame(bytes.substr(0, envelope_end)), IsOk());
}

TEST(Frame, ALengthBeyondTheFrameOrTheLimitIsInvalid) {
  std::string bytes = sample();
  bytes[3] = '\x7f';
  EXPECT_THAT(parse_frame(bytes), HasCode(Code::Invalid));

  const std::string large = std::string("\x01\x40\0\0", 4) + std::string(20000, '\0');
  EXPECT_THAT(parse_frame(large), HasCode(Code::Invalid));
}

TEST(Frame, AnEnvelopeThatIsNoMessageIsInvalid) {
  const std::string bytes = std::string("\x02\0\0\0", 4) + "\xff\xff" + "payload";

  EXPECT_THAT(parse_frame(bytes), HasCode(Code::Invalid));
}

TEST(ErrorOnTheWire, KeepsCodeMessageAndRetryAfterButNoDetail) {
  for (const Code code : kAllCodes) {
    common::v1::Envelope envelope;
    set_error(envelope, Error(code, "do this").with_detail("secret").with_retry_after(20ms));

    const Error error = error_of(envelope);

    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.message(), "do this");
    EXPECT_EQ(error.retry_after(), 20ms);
    EXPECT_EQ(error.detail().find("secret"), std::string::npos);
  }
}

TEST(ErrorOnTheWire, AnUnknownNumberIsInternal) {
  common::v1::Envelope envelope;
  envelope.set_code(4711);
  envelope.set_message("from a newer service");

  EXPECT_EQ(error_of(envelope).code(), Code::Internal);
}

TEST(ErrorOnTheWire, ALongMessageIsCutBetweenCharacters) {
  std::string message = "x";
  while (message.size() <= kMessageBytesMax) {
    message += "\xe2\x82\xac";
  }
  common::v1::Envelope envelope;
  set_error(envelope, Error(Code::Invalid, message));

  EXPECT_LE(envelope.message().size(), kMessageBytesMax);
  EXPECT_EQ((envelope.message().size() - 1) % 3, 0U);
}

TEST(ContextOnTheWire, KeepsEveryFieldAndSendsTheTimeLeft) {
  RequestContext context;
  context.request = RequestId("req");
  context.chain = ChainId("chain");
  context.run = RunId("run");
  context.hop = 3;
  context.tenant = TenantId("t");
  context.principal = PrincipalId("p");
  context.trace_parent = "00-1-2-01";
  context.caller_token = std::string("\0\xff", 2);
  context.deadline = kNow + 1500ms;
  common::v1::Envelope envelope;

  set_context(envelope, context, kNow);
  const RequestContext got = context_of(envelope, kNow + 10h);  // another machine's clock

  EXPECT_EQ(got.request, context.request);
  EXPECT_EQ(got.chain, context.chain);
  EXPECT_EQ(got.run, context.run);
  EXPECT_EQ(got.hop, context.hop);
  EXPECT_EQ(got.tenant, context.tenant);
  EXPECT_EQ(got.principal, context.principal);
  EXPECT_EQ(got.trace_parent, context.trace_parent);
  EXPECT_EQ(got.caller_token, context.caller_token);
  EXPECT_EQ(got.deadline, kNow + 10h + 1500ms);
}

TEST(ContextOnTheWire, NoTimeLeftIsZero) {
  RequestContext context;
  context.deadline = kNow - 1s;
  common::v1::Envelope envelope;

  set_context(envelope, context, kNow);

  EXPECT_EQ(envelope.remaining_ms(), 0U);
}

}  // namespace
}  // namespace sluice::bus
