#include "services/mcp-connector/adapters/stdio_transport.h"

#include "services/mcp-connector/adapters/child_process.h"
#include "services/mcp-connector/connections/wakeup.h"
#include "services/mcp-connector/limits.h"

#include "common/async/task_group.h"
#include "common/mcp/line_splitter.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

namespace sluice::mcp_connector {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr auto kTuple = boost::asio::as_tuple(async::kAwait);
// What every child gets of the gateway's own environment.
constexpr std::array<std::string_view, 4> kAllowed{"PATH", "HOME", "LANG", "TMPDIR"};
constexpr std::size_t kLastWordsBytes = 512;
constexpr std::size_t kErrorsBufferBytes = 4096;

class StdioLink final : public ServerLink {
 public:
  StdioLink(
      Executor executor,
      async::Clock* clock,
      observability::Log* log,
      std::unique_ptr<ChildProcess> child
  )
      : clock_(clock),
        child_(std::move(child)),
        input_(executor, child_->take_input().release()),
        output_(executor, child_->take_output().release()),
        errors_(executor, child_->take_errors().release()),
        read_buffer_(kReadBufferBytes, '\0'),
        tasks_(executor, [log](std::string_view name, const Error& error) {
          log->error("stdio-task-failed", {{"task", name}, {"error", error.to_log()}});
        }) {
    input_.native_non_blocking(true);
    tasks_.spawn("errors", drain_errors());
    tasks_.spawn("exit", watch_exit());
  }

  StdioLink(const StdioLink&) = delete;
  StdioLink& operator=(const StdioLink&) = delete;
  StdioLink(StdioLink&&) = delete;
  StdioLink& operator=(StdioLink&&) = delete;
  ~StdioLink() override = default;

  Result<void> send(Outbound outbound) override {
    std::string& message = outbound.message;
    if (ended_ || !input_.is_open()) {
      return Error(Code::Unavailable, "the MCP server is gone; it is being restarted, retry later");
    }
    if (message.find('\n') != std::string::npos) {
      return Error(Code::Internal, "a message with a line break cannot be sent over stdio");
    }
    if (unsent_.size() + message.size() > kOutputBytesMax) {
      return Error(
          Code::Exhausted, "the MCP server does not read its input; retry later or restart it"
      );
    }
    message += '\n';
    unsent_ += message;
    if (!writing_) {
      write_some();
      if (!unsent_.empty() && input_.is_open()) {
        writing_ = true;
        tasks_.spawn("write", write_rest());
      }
    }
    return {};
  }

  void negotiated(std::string_view /*protocol_version*/) override {}

  Async<std::optional<Inbound>> receive() override {
    while (true) {
      if (auto line = lines_.next()) {
        co_return std::optional<Inbound>(Received{.text = std::move(*line), .during = {}});
      }
      if (ended_) {
        co_return std::optional<Inbound>();
      }
      const auto [code, count] =
          co_await output_.async_read_some(boost::asio::buffer(read_buffer_), kTuple);
      if (code == boost::asio::error::operation_aborted && !ended_) {
        co_return Error(Code::Cancelled, "reading from the MCP server was given up");
      }
      lines_.feed(std::string_view(read_buffer_).substr(0, count));
      ended_ = ended_ || code;
    }
  }

  // Closes its input, waits, SIGTERM, waits, SIGKILL.
  Async<void> stop() override {
    close_input();
    SLUICE_CO_CHECK_OK(co_await wait_for_exit(kStopAfterEof));
    if (child_->running()) {
      child_->signal_group(SIGTERM);
      SLUICE_CO_CHECK_OK(co_await wait_for_exit(kStopAfterTerm));
    }
    if (child_->running()) {
      child_->signal_group(SIGKILL);
      SLUICE_CO_CHECK_OK(co_await wait_for_exit(kReapTimeout));
    }
    end_reading();
    co_return co_await tasks_.cancel_and_close();
  }

  [[nodiscard]] std::string last_words() const override {
    return ring_.size() <= kLastWordsBytes ? ring_ : ring_.substr(ring_.size() - kLastWordsBytes);
  }

 private:
  Async<void> wait_for_exit(std::chrono::milliseconds limit) {
    const TimePoint until = clock_->now() + limit;
    while (child_->running() && clock_->now() < until) {
      SLUICE_CO_CHECK_OK(co_await exit_.sleep_until(clock_, until));
    }
    co_return Result<void>();
  }

  Async<void> watch_exit() {
    SLUICE_CO_CHECK_OK(co_await child_->exited());
    exit_.raise();
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock_, kDrainAfterExit));
    end_reading();
    co_return Result<void>();
  }

  void end_reading() {
    ended_ = true;
    close_input();
    if (output_.is_open()) {
      output_.cancel();
    }
  }

  // Always read, so that a server that logs a lot never blocks on it; the last 64 KiB are kept.
  Async<void> drain_errors() {
    std::array<char, kErrorsBufferBytes> buffer{};
    while (true) {
      const auto [code, count] =
          co_await errors_.async_read_some(boost::asio::buffer(buffer), kTuple);
      if (code) {
        co_return Result<void>();
      }
      ring_.append(buffer.data(), count);
      if (ring_.size() > kStderrRingBytes) {
        ring_.erase(0, ring_.size() - kStderrRingBytes);
      }
    }
  }

  void write_some() {
    std::size_t done = 0;
    while (done < unsent_.size()) {
      const auto count =
          ::write(input_.native_handle(), unsent_.data() + done, unsent_.size() - done);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        unsent_.clear();  // nobody reads any more; the end of its output tells the rest
        close_input();
        return;
      }
      if (count < 0) {
        break;
      }
      done += static_cast<std::size_t>(count);
    }
    unsent_.erase(0, done);
  }

  Async<void> write_rest() {
    while (!unsent_.empty() && input_.is_open()) {
      const auto [code] = co_await input_.async_wait(stream_descriptor::wait_write, kTuple);
      if (code) {
        break;
      }
      write_some();
    }
    writing_ = false;
    co_return Result<void>();
  }

  void close_input() {
    boost::system::error_code ignored;
    input_.close(ignored);
  }

  async::Clock* clock_;
  std::unique_ptr<ChildProcess> child_;
  stream_descriptor input_;
  stream_descriptor output_;
  stream_descriptor errors_;
  std::string read_buffer_;
  mcp::LineSplitter lines_;
  std::string unsent_;
  std::string ring_;
  bool writing_ = false;
  bool ended_ = false;
  Wakeup exit_;
  async::TaskGroup tasks_;
};

}  // namespace

StdioOpener::StdioOpener(Deps deps) : deps_(std::move(deps)) {
  ::signal(
      SIGPIPE, SIG_IGN
  );  // NOLINT: writing to a server that ended is an error, not the end of this process
}

Async<std::unique_ptr<ServerLink>> StdioOpener::open(const ServerConfig* server) {
  ChildSpec spec{
      .command = server->command,
      .arguments = server->args,
      .environment = {},
      .working_directory = server->working_directory
  };
  for (const std::string_view name : kAllowed) {
    if (const auto variable = deps_.environment.find(name); variable != deps_.environment.end()) {
      spec.environment.insert(*variable);
    }
  }
  for (const std::string& name : server->inherited) {
    const auto variable = deps_.environment.find(name);
    if (variable == deps_.environment.end()) {
      co_return Error(
          Code::Invalid,
          "stdio_config.envs names " + name +
              ", which is not set; set it for mcp-connector or remove it"
      );
    }
    spec.environment.insert_or_assign(name, variable->second);
  }
  for (const auto& [name, value] : server->env) {
    spec.environment.insert_or_assign(name, value.reveal());
  }
  SLUICE_CO_TRY(
      auto child, co_await ChildProcess::start(deps_.executor, deps_.clock, std::move(spec))
  );
  deps_.log->info("server-started", {{"server", server->name}, {"pid", child->pid()}});
  co_return std::make_unique<StdioLink>(deps_.executor, deps_.clock, deps_.log, std::move(child));
}

}  // namespace sluice::mcp_connector
