// Parsing one request of 2.2 KB with 13 header fields, and writing one response head.
#include "common/http/internal/request_parser.h"
#include "common/http/internal/response_head.h"
#include "common/http/sse.h"

#include <benchmark/benchmark.h>

#include <string>

namespace sluice::http {
namespace {

std::string request_bytes() {
  const std::string body = R"({"model":"mock/bench-1","messages":[{"role":"user","content":")" +
                           std::string(2000, 'x') + R"("}]})";
  return "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nauthorization: Bearer "
         "sk-sl-0123456789\r\naccept: application/json"
         "\r\ncontent-type: application/json\r\nuser-agent: OpenAI/JS 7.57.0\r\nx-stainless-lang: "
         "js\r\nx-stainless-package-version: 7.57.0"
         "\r\nx-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: "
         "node\r\nx-stainless-runtime-version: v22.11.0"
         "\r\nx-stainless-retry-count: 0\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

void parse_request(benchmark::State& state) {
  const std::string bytes = request_bytes();
  RequestParser parser{{}};
  for (auto _ : state) {
    std::size_t used = parser.feed(bytes).consumed;
    parser.set_body_max(1 << 20);
    used += parser.feed(std::string_view(bytes).substr(used)).consumed;
    HttpRequest request = parser.take();
    benchmark::DoNotOptimize(request);
    SLUICE_CHECK(used == bytes.size() && parser.done(), "the request is whole");
    parser.reset();
  }
}

BENCHMARK(parse_request);

void write_response_head(benchmark::State& state) {
  Headers headers;
  headers.add("content-type", "application/json");
  headers.add("x-sluice-chain", "0123456789abcdef0123456789abcdef");
  for (auto _ : state) {
    benchmark::DoNotOptimize(format_head(
        200,
        headers,
        {.date = "Sun, 22 Nov 2026 15:40:01 GMT",
         .request_id = "req_0123456789abcdef0123456789abcdef",
         .keep_alive = true,
         .content_length = 1500}
    ));
  }
}

BENCHMARK(write_response_head);

void parse_events(benchmark::State& state) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) {
    bytes += "data: " + std::string(320, 'x') + "\n\n";
  }
  for (auto _ : state) {
    SseParser parser;
    benchmark::DoNotOptimize(parser.feed(bytes));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 10);
}

BENCHMARK(parse_events);

}  // namespace
}  // namespace sluice::http
