// Writing and reading one bus frame with a body of 2.2 KB.
#include "common/bus/envelope.h"

#include <benchmark/benchmark.h>

#include <string>

namespace sluice::bus {
namespace {

RequestContext context_at(TimePoint now) {
  RequestContext context;
  context.request = RequestId("req_0123456789abcdef0123456789abcdef");
  context.chain = ChainId("0123456789abcdef0123456789abcdef");
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:local");
  context.deadline = now + std::chrono::seconds(30);
  context.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  context.caller_token = std::string(300, 't');
  return context;
}

void write_frame(benchmark::State& state) {
  const TimePoint now{};
  const RequestContext context = context_at(now);
  const std::string payload(2'200, 'x');
  for (auto _ : state) {
    common::v1::Envelope envelope;
    set_context(envelope, context, now);
    std::string out;
    append_frame(out, envelope, payload);
    benchmark::DoNotOptimize(out);
  }
}

BENCHMARK(write_frame);

void read_frame(benchmark::State& state) {
  const TimePoint now{};
  common::v1::Envelope envelope;
  set_context(envelope, context_at(now), now);
  std::string bytes;
  append_frame(bytes, envelope, std::string(2'200, 'x'));
  for (auto _ : state) {
    auto frame = parse_frame(bytes);
    SLUICE_CHECK(frame.ok(), "the frame is well-formed");
    benchmark::DoNotOptimize(context_of(frame.value().envelope, now));
  }
}

BENCHMARK(read_frame);

}  // namespace
}  // namespace sluice::bus
