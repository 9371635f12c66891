// Chat requests of 2.2 KB with the header fields of an SDK, or calls of an MCP tool with 256 bytes
// to echo, as fast as the answers come (closed loop) or at a constant rate (open loop). Prints one
// JSON object. One thread, epoll.
//
// load_generator --port N [--model M | --tool NAME] [--key K] [--connections N] [--seconds S]
// [--warmup S] [--requests N] [--rate R] [--stream]
//
// service: from the send to the last byte. scheduled: from when the request was due (open loop), so
// that a stalled server is not flattered by requests that were held back. first: from the send to
// the first byte of the body.
#include "tests/bench/http_bytes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace sluice::bench {
namespace {

struct Options {
  std::uint16_t port = 0;
  std::string path = "/v1/chat/completions";
  std::string model = "bench-1";
  std::string tool;  // not empty: MCP at /mcp
  std::string key = "none";
  std::size_t connections = 1;
  double seconds = 3;
  double warmup = 0.3;
  std::int64_t requests = 0;  // 0: no bound but the time
  double rate = 0;            // per second; 0: closed loop
  bool stream = false;
};

const std::string kToolMessage(256, 'm');

// A call as a modern client (2026-07-28) sends it: without a session.
std::string tool_request(const Options& options) {
  const std::string body = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":")" +
                           options.tool + R"(","arguments":{"message":")" + kToolMessage +
                           R"("},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                           R"("io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},)"
                           R"("io.modelcontextprotocol/clientCapabilities":{}}}})";
  return "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:" + std::to_string(options.port) +
         "\r\nauthorization: Bearer " + options.key +
         "\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json"
         "\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: " +
         options.tool + "\r\nuser-agent: node\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string chat_request(const Options& options) {
  std::string content;
  while (content.size() < 1850) {
    content += "Please summarise the following paragraph for a busy reader. ";
  }
  const std::string body =
      R"({"model":")" + options.model +
      R"(","messages":[{"role":"system","content":"You are a careful assistant."},{"role":"user","content":")" +
      content + R"("}],"temperature":0.2,"max_tokens":400,"user":"bench")" +
      (options.stream ? R"(,"stream":true)" : "") + "}";
  return "POST " + options.path + " HTTP/1.1\r\nhost: 127.0.0.1:" + std::to_string(options.port) +
         "\r\nauthorization: Bearer " + options.key +
         "\r\naccept: application/json\r\ncontent-type: application/json\r\nuser-agent: OpenAI/JS "
         "7.57.0\r\nx-stainless-lang: js"
         "\r\nx-stainless-package-version: 7.57.0\r\nx-stainless-os: Linux\r\nx-stainless-arch: "
         "x64\r\nx-stainless-runtime: node"
         "\r\nx-stainless-runtime-version: v22.11.0\r\nx-stainless-retry-count: "
         "0\r\naccept-encoding: identity\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Sorted once at the end; a run of a minute at 50,000/s fits into 24 MB a kind.
class Latencies {
 public:
  void add(std::int64_t ns) { values_.push_back(ns); }

  std::string json() {
    std::sort(values_.begin(), values_.end());
    double sum = 0;
    for (const std::int64_t value : values_) {
      sum += static_cast<double>(value);
    }
    std::array<char, 200> out{};
    std::snprintf(
        out.data(),
        out.size(),
        R"({"p50":%.1f,"p90":%.1f,"p99":%.1f,"max":%.1f,"mean":%.1f})",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        values_.empty() ? 0 : sum / static_cast<double>(values_.size()) / 1e3
    );
    return out.data();
  }

 private:
  [[nodiscard]] double at(double share) const {
    if (values_.empty()) {
      return 0;
    }
    const auto last = static_cast<double>(values_.size() - 1);
    return static_cast<double>(values_[static_cast<std::size_t>(std::lround(share * last))]) / 1e3;
  }

  std::vector<std::int64_t> values_;
};

struct Connection {
  int handle = -1;
  bool busy = false;
  std::int64_t due = 0;
  std::int64_t sent = 0;
  std::int64_t first = 0;
  std::string in;
  MessageEnd end;
};

class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)),
        request_(options_.tool.empty() ? chat_request(options_) : tool_request(options_)) {}

  int run() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < options_.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>());
      if (!open(*connections_.back())) {
        std::fprintf(stderr, "cannot connect to port %u\n", options_.port);
        return 1;
      }
    }
    start_ = now_ns();
    measure_from_ = start_ + static_cast<std::int64_t>(options_.warmup * 1e9);
    stop_ = measure_from_ + static_cast<std::int64_t>(options_.seconds * 1e9);
    if (options_.rate > 0) {
      next_due_ = start_;
      ticker_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
      watch(ticker_);
      schedule();
    } else {
      for (const auto& connection : connections_) {
        begin(*connection, now_ns());
      }
    }
    while (!finished()) {
      turn();
    }
    print();
    return errors_ > 0 && done_ == 0 ? 1 : 0;
  }

 private:
  bool open(Connection& connection) {
    connection.handle = connect_loopback(options_.port);
    if (connection.handle >= 0) {
      watch(connection.handle);
    }
    return connection.handle >= 0;
  }

  void watch(int handle) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = handle;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, handle, &event);
  }

  [[nodiscard]] bool over(std::int64_t now) const {
    return now >= stop_ || (options_.requests > 0 && done_ + errors_ >= options_.requests);
  }

  // What is under way is waited for, up to two seconds.
  [[nodiscard]] bool finished() const {
    const std::int64_t now = now_ns();
    return over(now) && ((busy_ == 0 && waiting_.empty()) || now > stop_ + 2'000'000'000);
  }

  void turn() {
    std::array<epoll_event, 256> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const int handle = events.at(static_cast<std::size_t>(i)).data.fd;
      if (handle == ticker_) {
        tick();
        continue;
      }
      for (const auto& connection : connections_) {
        if (connection->handle == handle) {
          receive(*connection);
          break;
        }
      }
    }
  }

  void schedule() const {
    itimerspec when{};
    when.it_value.tv_sec = next_due_ / 1'000'000'000;
    when.it_value.tv_nsec = std::max<std::int64_t>(next_due_ % 1'000'000'000, 1);
    timerfd_settime(ticker_, TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void tick() {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t ignored = read(ticker_, &expirations, sizeof expirations);
    const std::int64_t now = now_ns();
    while (next_due_ <= now && !over(now)) {
      waiting_.push_back(next_due_);
      ++scheduled_;
      next_due_ =
          start_ + static_cast<std::int64_t>(static_cast<double>(scheduled_) * 1e9 / options_.rate);
    }
    for (const auto& connection : connections_) {
      if (waiting_.empty()) {
        break;
      }
      if (!connection->busy) {
        take_waiting(*connection);
      }
    }
    if (!over(now)) {
      schedule();
    }
  }

  void take_waiting(Connection& connection) {
    const std::int64_t due = waiting_.front();
    waiting_.pop_front();
    begin(connection, due);
  }

  void begin(Connection& connection, std::int64_t due) {
    connection.busy = true;
    ++busy_;
    connection.due = due;
    connection.first = 0;
    connection.sent = now_ns();
    std::size_t sent = 0;
    while (sent < request_.size()) {
      const ssize_t size =
          send(connection.handle, request_.data() + sent, request_.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) {
        fail(connection);
        return;
      }
      sent += static_cast<std::size_t>(size);
    }
  }

  void receive(Connection& connection) {
    std::array<char, 65536> buffer{};
    const ssize_t size = recv(connection.handle, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (size <= 0) {
      fail(connection);
      return;
    }
    connection.in.append(buffer.data(), static_cast<std::size_t>(size));
    const std::size_t length = connection.end.find(connection.in);
    if (connection.first == 0 && connection.end.body_started(connection.in)) {
      connection.first = now_ns();
    }
    if (length > 0) {
      complete(connection);
    }
  }

  // MCP tells failures with 200 too; only the tool itself sends the message back.
  [[nodiscard]] bool is_good(const Connection& connection) const {
    return connection.end.status() == 200 &&
           (options_.tool.empty() || connection.in.find(kToolMessage) != std::string::npos);
  }

  void complete(Connection& connection) {
    const std::int64_t now = now_ns();
    const bool good = is_good(connection);
    if (!good && complaint_.empty()) {
      complaint_ = connection.in.substr(0, 300);
    }
    if (connection.sent >= measure_from_ && connection.sent < stop_) {
      if (good) {
        ++done_;
        last_ = now;
        service_.add(now - connection.sent);
        from_schedule_.add(now - connection.due);
        first_.add(connection.first - connection.sent);
      } else {
        ++errors_;
      }
    }
    ++all_;
    release(connection);
    next(connection, now);
  }

  void fail(Connection& connection) {
    ++errors_;
    ++all_;
    if (complaint_.empty()) {
      complaint_ = "the connection was closed";
    }
    close(connection.handle);
    release(connection);
    constexpr std::int64_t kErrorsMax = 1000;
    if (errors_ > kErrorsMax || !open(connection)) {
      stop_ = 0;
      return;
    }
    next(connection, now_ns());
  }

  void release(Connection& connection) {
    connection.busy = false;
    --busy_;
    connection.in.clear();
    connection.end.reset();
  }

  void next(Connection& connection, std::int64_t now) {
    if (options_.rate > 0) {
      if (!waiting_.empty()) {
        take_waiting(connection);
      }
    } else if (!over(now)) {
      begin(connection, now);
    }
  }

  void print() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
                       static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    const double seconds =
        last_ > measure_from_ ? static_cast<double>(last_ - measure_from_) / 1e9 : 1;
    std::string safe;
    for (const char c : complaint_) {
      safe += c == '"' || c == '\\' || c < ' ' ? ' ' : c;
    }
    std::printf(
        R"({"done":%lld,"all":%lld,"errors":%lld,"unanswered":%zu,"rps":%.1f,"cpu_us":%.0f,"service":%s,"scheduled":%s,"first":%s,"complaint":"%s"})"
        "\n",
        static_cast<long long>(done_),
        static_cast<long long>(all_),
        static_cast<long long>(errors_),
        busy_ + waiting_.size(),
        static_cast<double>(done_) / seconds,
        cpu,
        service_.json().c_str(),
        from_schedule_.json().c_str(),
        first_.json().c_str(),
        safe.c_str()
    );
  }

  Options options_;
  std::string request_;
  int epoll_ = -1;
  int ticker_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<std::int64_t> waiting_;  // due times of requests without a free connection
  std::size_t busy_ = 0;
  std::int64_t start_ = 0;
  std::int64_t measure_from_ = 0;
  std::int64_t stop_ = 0;
  std::int64_t next_due_ = 0;
  std::int64_t scheduled_ = 0;
  std::int64_t last_ = 0;
  std::int64_t done_ = 0;
  std::int64_t all_ = 0;  // warm-up included
  std::int64_t errors_ = 0;
  std::string complaint_;
  Latencies service_;
  Latencies from_schedule_;
  Latencies first_;
};

bool read_option(Options& options, const std::string& name, const char* value) {
  if (name == "--port") {
    options.port = static_cast<std::uint16_t>(std::strtol(value, nullptr, 10));
  } else if (name == "--path") {
    options.path = value;
  } else if (name == "--model") {
    options.model = value;
  } else if (name == "--tool") {
    options.tool = value;
  } else if (name == "--key") {
    options.key = value;
  } else if (name == "--connections") {
    options.connections = std::strtoul(value, nullptr, 10);
  } else if (name == "--seconds") {
    options.seconds = std::strtod(value, nullptr);
  } else if (name == "--warmup") {
    options.warmup = std::strtod(value, nullptr);
  } else if (name == "--requests") {
    options.requests = std::strtol(value, nullptr, 10);
  } else if (name == "--rate") {
    options.rate = std::strtod(value, nullptr);
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--stream") == 0) {
      options.stream = true;
    } else if (i + 1 >= argc || !sluice::bench::read_option(options, argv[i], argv[i + 1])) {
      std::fprintf(stderr, "unknown option %s\n", argv[i]);
      return 2;
    } else {
      ++i;
    }
  }
  return sluice::bench::Load(options).run();
}
