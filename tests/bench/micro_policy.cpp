// What a decision on a batch of 8 calls costs under 1,000 rules: evaluation, with the arguments
// parsed, and the signatures of its grants apart. Percentiles are of single batches.
#include "services/policy-engine/config.h"
#include "services/policy-engine/domain/evaluate.h"

#include "common/crypto/ed25519.h"
#include "common/crypto/sha256.h"
#include "common/grant/grant.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <time.h>

namespace sluice::policy_engine {
namespace {

constexpr int kRules = 1'000;
constexpr int kServers = 20;
constexpr int kTools = 25;  // of each server
constexpr int kCalls = 8;

std::string conditions_of(int i) {
  const std::string n = std::to_string(i);
  switch (i % 5) {
    case 0:
      return R"({"pointer": "/path", "prefix": "/srv/tenant)" + n + R"(", "path": true})";
    case 1:
      return R"({"pointer": "/paths/*", "glob": "/home/*/private)" + n + R"(/**", "path": true})";
    case 2:
      return R"({"pointer": "/query", "regex": "(?i)drop\\s+table\\s+t)" + n + R"("})";
    case 3:
      return R"({"pointer": "/limit", "range": {"min": )" + std::to_string(10'000 + i) +
             R"(}}, {"pointer": "/options/depth", "in": [7, 8, 9]})";
    default:
      return R"({"pointer": "/options/force", "equals": true}, {"pointer": "/query", "exists": true})";
  }
}

// Spread: each rule on one tool of one server, every twentieth on all. Piled: all on one tool.
enum class Shape { Spread, Piled };

std::string rule_of(int i, Shape shape) {
  const bool wide = shape == Shape::Spread && i % 20 == 0;
  const int tool = shape == Shape::Spread ? (i / kServers) % kTools : 0;
  std::string match = R"("arguments": [)" + conditions_of(i) + "]";
  if (!wide) {
    match += R"(, "tool": "tool_)" + std::to_string(tool) + "\"";
  }
  if (!wide && shape == Shape::Spread) {
    match += R"(, "server": "server_)" + std::to_string(i % kServers) + "\"";
  }
  const char* const verdict = i % 3 == 0 ? "approve" : i % 3 == 1 ? "approve_twice" : "deny";
  return R"({"id": "r)" + std::to_string(i) + R"(", "verdict": ")" + verdict + R"(", "match": {)" +
         match + "}}";
}

Policy policy_with(Shape shape) {
  std::string rules;
  for (int i = 0; i < kRules; ++i) {
    rules += (i == 0 ? "" : ",") + rule_of(i, shape);
  }
  std::string servers;
  for (int i = 0; i < kServers; ++i) {
    servers += std::string(i == 0 ? "" : ",") + R"({"name": "server_)" + std::to_string(i) +
               R"(", "connection_type": "stdio", "tools_to_execute": ["*"]})";
  }
  auto document = config::Document::from_text(
      R"({"policy": {"rules": [)" + rules + R"(]}, "mcp": {"client_configs": [)" + servers + "]}}",
      {}
  );
  SLUICE_CHECK(document.ok(), "the settings are well-formed");
  Policy policy = read_policy(document.value());
  SLUICE_CHECK(document.value().finish().ok(), "the settings have no fault");
  return policy;
}

struct Batch {
  std::vector<CatalogTool> tools;
  std::vector<std::string> arguments;
};

Batch batch_of(Shape shape) {
  Batch batch;
  for (int i = 0; i < kCalls; ++i) {
    batch.tools.push_back(
        {.server = "server_" + std::to_string(i * 2),
         .tool = "tool_" + std::to_string(shape == Shape::Spread ? i * 3 : 0),
         .pin = PinState::Agreed}
    );
    batch.arguments.push_back(
        R"({"limit":)" + std::to_string(100 + i) +
        R"(,"options":{"depth":3,"encoding":"utf-8","force":false},"path":"/srv/data/reports/2026/)" +
        std::to_string(i) +
        R"(.csv","paths":["/srv/data/a","/srv/data/b","/home/u/c"],)"
        R"("query":"select id, name, total from orders where total > 100 order by total"})"
    );
  }
  return batch;
}

double at(std::vector<double>* micros, double quantile) {
  std::sort(micros->begin(), micros->end());
  return (*micros)[static_cast<std::size_t>(quantile * static_cast<double>(micros->size() - 1))];
}

// CPU time of this thread: what others do on the machine is not in it.
double cpu_micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

template <class Step>
void time_each(benchmark::State& state, const Step& step) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> wall;
  std::vector<double> cpu;
  for (auto _ : state) {
    const auto begin = Clock::now();
    const double cpu_begin = cpu_micros();
    step();
    cpu.push_back(cpu_micros() - cpu_begin);
    wall.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  state.counters["p50_us"] = at(&wall, 0.5);
  state.counters["p99_us"] = at(&wall, 0.99);
  state.counters["cpu_p50_us"] = at(&cpu, 0.5);
  state.counters["cpu_p99_us"] = at(&cpu, 0.99);
}

void evaluate_batches(benchmark::State& state, Shape shape) {
  const Policy policy = policy_with(shape);
  const Batch batch = batch_of(shape);
  CallerKey key;
  key.id = "bench";
  key.tenant = "default";
  key.roles = {"caller"};
  const policy::v1::CallerClaims claims = key.claims();
  const policy::v1::ToolFilter filter;
  time_each(state, [&] {
    for (int i = 0; i < kCalls; ++i) {
      CallArguments arguments(batch.arguments[static_cast<std::size_t>(i)]);
      benchmark::DoNotOptimize(evaluate(
          policy,
          {&claims, &key, &filter, policy::v1::MODE_AGENT},
          batch.tools[static_cast<std::size_t>(i)],
          &arguments
      ));
    }
  });
}

void BM_EvaluateSpreadRules(benchmark::State& state) {
  evaluate_batches(state, Shape::Spread);
}

BENCHMARK(BM_EvaluateSpreadRules);

void BM_EvaluatePiledRules(benchmark::State& state) {
  evaluate_batches(state, Shape::Piled);
}

BENCHMARK(BM_EvaluatePiledRules);

void BM_SignGrants(benchmark::State& state) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate();
  policy::v1::Grant grant;
  grant.set_grant_id(crypto::sha256("grant").substr(0, 16));
  grant.set_tenant("default");
  grant.set_principal("key:bench");
  grant.set_tool("tool_1");
  grant.set_definition_hash(crypto::sha256("definition"));
  grant.set_args_digest(crypto::sha256("arguments"));
  time_each(state, [&] {
    for (int i = 0; i < kCalls; ++i) {
      benchmark::DoNotOptimize(grant::sign_grant(key, grant));
    }
  });
}

BENCHMARK(BM_SignGrants);

}  // namespace
}  // namespace sluice::policy_engine
