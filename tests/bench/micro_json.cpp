// Finding the top-level fields of a request body in place, and adding a list of tools by splicing.
#include "common/json/scan.h"

#include <benchmark/benchmark.h>

#include <array>
#include <string>

namespace sluice::json {
namespace {

std::string body_of(std::int64_t bytes) {
  std::string body = R"({"model":"mock/bench-1","messages":[)";
  while (static_cast<std::int64_t>(body.size()) < bytes - 200) {
    body +=
        R"({"role":"user","content":"Please summarise the following paragraph for a \"busy\" reader."},)";
  }
  body += R"({"role":"user","content":"go"}],"temperature":0.2,"stream":true})";
  body.reserve(body.size() + kScanPadding);
  return body;
}

void scan(benchmark::State& state) {
  std::string body = body_of(state.range(0));
  for (auto _ : state) {
    auto found = Scan::object(body);
    SLUICE_CHECK(found.ok() && found.value().find("stream") != nullptr, "the body is well-formed");
    benchmark::DoNotOptimize(found);
  }
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(body.size())
  );
}

BENCHMARK(scan)->Arg(2'200)->Arg(11'000)->Arg(50'700);

void splice_tools(benchmark::State& state) {
  const std::string body = body_of(2'200);
  const std::string tools = R"(,"tools":[)" + std::string(40'000, 'x') + "]";
  for (auto _ : state) {
    const std::array<Splice, 1> insert{Splice{body.size() - 1, body.size() - 1, tools}};
    benchmark::DoNotOptimize(splice(body, insert));
  }
}

BENCHMARK(splice_tools);

}  // namespace
}  // namespace sluice::json
