#include "services/codemode-sandbox/runner/v8/testing/zygote_fixture.h"

#include "services/codemode-sandbox/runner/child/exit_status.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWallLimit(300);
constexpr milliseconds kKillAfterLimit(500);

void send_descriptor(int socket, int fd) {
  char byte = 'x';
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  ASSERT_EQ(::sendmsg(socket, &message, 0), 1);
}

// -1 when the test is gone.
int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  if (::recvmsg(socket, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == nullptr) {
    return -1;
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
  return fd;
}

// Tells a child's pid after the fork and its wait status after its end.
[[noreturn]] void serve(int control, const ZygoteProcess::WarmUp& warm_up) {
  auto warm = warm_up();
  if (!warm.ok()) {
    std::fputs((warm.error().to_log() + "\n").c_str(), stderr);
    ::_exit(1);
  }
  for (;;) {
    const int fd = receive_descriptor(control);
    if (fd < 0) {
      ::_exit(0);
    }
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(control);
      warm.value()->run_child(fd);
    }
    ::close(fd);
    int status = 0;
    if (::write(control, &child, sizeof(child)) != sizeof(child) ||
        ::waitpid(child, &status, 0) != child ||
        ::write(control, &status, sizeof(status)) != sizeof(status)) {
      ::_exit(1);
    }
  }
}

// The host's end of one child's socket.
class Conversation {
 public:
  Conversation(int fd, Ran& ran, const RawHost& host) : fd_(fd), ran_(ran), host_(host) {}

  void put(const wire::ToChild& message) const {
    std::string bytes;
    ASSERT_TRUE(append_frame(bytes, message).ok());
    std::string_view left = bytes;
    while (!left.empty()) {
      const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;  // the child is gone; its wait status tells why
      }
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // False when the child has hung up or is to be killed.
  bool take(Clock::time_point until) {
    pollfd one{.fd = fd_, .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    if (left <= 0 || ::poll(&one, 1, static_cast<int>(left)) <= 0) {
      return false;
    }
    const ssize_t got = ::read(fd_, bytes_.data(), bytes_.size());
    if (got <= 0) {
      return false;
    }
    decoder_.feed({bytes_.data(), static_cast<std::size_t>(got)});
    for (;;) {
      auto message = decoder_.next();
      EXPECT_TRUE(message.ok()) << message.error().to_log();
      if (!message.ok() || !message.value()) {
        return message.ok();
      }
      on_message(*message.value());
    }
  }

 private:
  void on_message(const wire::FromChild& message) {
    switch (message.message_case()) {
      case wire::FromChild::kCompiled:
        ran_.compiled = message.compiled();
        ran_.said_it_itself = true;
        break;
      case wire::FromChild::kFinished:
        ran_.finished = message.finished();
        ran_.said_it_itself = true;
        break;
      case wire::FromChild::kConsole:
        ran_.console.push_back(message.console());
        break;
      case wire::FromChild::kCall:
        ran_.calls.push_back(message.call());
        answer(host_(message.call()));
        break;
      case wire::FromChild::MESSAGE_NOT_SET:
        ADD_FAILURE() << "the decoder lets through a message of no kind";
    }
  }

  void answer(const Waited& told) {
    for (const wire::ToChild& message : told.before) {
      put(message);
    }
    std::this_thread::sleep_for(told.wait);
    for (const wire::ToChild& message : told.after) {
      put(message);
    }
  }

  int fd_;
  Ran& ran_;
  const RawHost& host_;
  FrameDecoder<wire::FromChild> decoder_;
  std::array<char, 65536> bytes_{};
};

}  // namespace

std::string Ran::console_text() const {
  std::string text;
  for (const auto& line : console) {
    text += line.level() + ": " + line.text() + "\n";
  }
  return text;
}

ZygoteProcess::ZygoteProcess(const WarmUp& warm_up) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(fds[0]);
    serve(fds[1], warm_up);
  }
  ::close(fds[1]);
  control_ = fds[0];
}

ZygoteProcess::~ZygoteProcess() {
  ::close(control_);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  EXPECT_EQ(status, 0) << "the zygote did not end well";
}

Ran ZygoteProcess::run(
    const wire::ToChild& first, std::chrono::milliseconds kill_after, const Host& host
) {
  return run_raw(first, kill_after, [&host](const wire::ToolCall& call) {
    Waited told;
    for (auto& result : host ? host(call) : std::vector<wire::CallResult>()) {
      *told.before.emplace_back().mutable_result() = std::move(result);
    }
    return told;
  });
}

Ran ZygoteProcess::run_raw(
    const wire::ToChild& first, std::chrono::milliseconds kill_after, const RawHost& host
) {
  Ran ran;
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  send_descriptor(control_, fds[1]);
  ::close(fds[1]);
  pid_t child = -1;
  EXPECT_EQ(::read(control_, &child, sizeof(child)), static_cast<ssize_t>(sizeof(child)));

  const auto begun = Clock::now();
  const auto until = begun + kill_after;
  Conversation conversation(fds[0], ran, host);
  conversation.put(first);
  while (conversation.take(until)) {
  }
  const bool deadline_passed = Clock::now() >= until;
  if (deadline_passed && child > 0) {
    ::kill(child, SIGKILL);
  }
  ::close(fds[0]);
  EXPECT_EQ(
      ::read(control_, &ran.wait_status, sizeof(ran.wait_status)),
      static_cast<ssize_t>(sizeof(ran.wait_status))
  );
  ran.wall = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  if (!ran.said_it_itself) {
    ran.finished = outcome_of({
        .wait_status = ran.wait_status,
        .deadline_passed = deadline_passed,
        .calls = static_cast<std::uint32_t>(ran.calls.size()),
    });
  }
  return ran;
}

wire::ToChild start_of(std::string javascript) {
  wire::ToChild message;
  auto& start = *message.mutable_start();
  start.set_javascript(std::move(javascript));
  start.set_seed(1);
  start.set_clock_unix_ms(1'700'000'000'000);
  auto& tools = *start.add_namespaces();
  tools.set_name("youtube");
  for (const char* name : {"search", "get-video", "a.b", "a-b", "delete"}) {
    tools.add_functions(name);
  }
  auto& limits = *start.mutable_limits();
  limits.set_wall_ms(static_cast<std::uint32_t>(kWallLimit.count()));
  limits.set_cpu_ms(10'000);
  limits.set_heap_bytes(std::uint64_t{64} << 20);
  limits.set_console_bytes(256 << 10);
  limits.set_calls_max(50);
  limits.set_value_bytes(4 << 20);
  return message;
}

wire::CallResult value_of(const wire::ToolCall& call, std::string json) {
  wire::CallResult result;
  result.set_call_id(call.call_id());
  result.set_value(std::move(json));
  return result;
}

wire::CallResult error_of(const wire::ToolCall& call, std::string code, std::string message) {
  wire::CallResult result;
  result.set_call_id(call.call_id());
  result.mutable_error()->set_code(std::move(code));
  result.mutable_error()->set_message(std::move(message));
  return result;
}

std::vector<wire::CallResult> echo(const wire::ToolCall& call) {
  return {value_of(call, call.arguments())};
}

std::unique_ptr<ZygoteProcess> ExecutorTest::zygote_;

void ExecutorTest::SetUpTestSuite() {
  zygote_ = std::make_unique<ZygoteProcess>(warm_executor);
}

void ExecutorTest::TearDownTestSuite() {
  zygote_.reset();
}

Ran ExecutorTest::run(const wire::ToChild& start, const Host& host) {
  const milliseconds limit(start.start().limits().wall_ms());
  return zygote_->run(start, limit + kKillAfterLimit, host);
}

Ran ExecutorTest::run_raw(const wire::ToChild& start, const RawHost& host) {
  return zygote_->run_raw(start, milliseconds(3'000), host);
}

Ran ExecutorTest::run(std::string javascript, const Host& host) {
  return run(start_of(std::move(javascript)), host);
}

}  // namespace sluice::codemode_runner
