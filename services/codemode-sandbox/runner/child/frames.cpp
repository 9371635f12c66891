#include "services/codemode-sandbox/runner/child/frames.h"

#include "common/base/check.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

std::size_t length_at(const char* bytes) {
  std::size_t length = 0;
  for (std::size_t i = kFrameHeaderBytes; i > 0; --i) {
    length = (length << 8) | static_cast<unsigned char>(bytes[i - 1]);
  }
  return length;
}

Error gone() {
  return {Code::Unavailable, "the other end of the child's socket is gone"};
}

}  // namespace

Result<void> append_frame(std::string& out, const google::protobuf::MessageLite& message) {
  const std::size_t length = message.ByteSizeLong();
  if (length > kFrameBytesMax) {
    return Error(
        Code::Exhausted, "a message between runner and child is over its bound: send less"
    );
  }
  const std::size_t before = out.size();
  out.reserve(before + kFrameHeaderBytes + length);
  for (std::size_t i = 0; i < kFrameHeaderBytes; ++i) {
    out.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  }
  if (!message.AppendToString(&out)) {
    out.resize(before);
    return Error(Code::Internal, "a message between runner and child cannot be written");
  }
  return {};
}

void FrameCutter::feed(std::string_view bytes) {
  // What was given out is dropped once it is most of the buffer: each byte is moved at most once.
  if (begin_ > 0 && begin_ >= buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<std::string_view>> FrameCutter::next() {
  if (pending() < kFrameHeaderBytes) {
    return std::optional<std::string_view>();
  }
  const std::size_t length = length_at(buffer_.data() + begin_);
  if (length == 0 || length > kFrameBytesMax) {
    return Error(Code::Invalid, "a frame's length is out of bounds: end this conversation");
  }
  if (pending() < kFrameHeaderBytes + length) {
    return std::optional<std::string_view>();
  }
  const std::string_view bytes(buffer_.data() + begin_ + kFrameHeaderBytes, length);
  begin_ += kFrameHeaderBytes + length;
  return std::optional<std::string_view>(bytes);
}

Result<void> FrameStream::prepare(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return Error(Code::Internal, "the child's socket cannot be made non-blocking")
        .with_detail(std::strerror(errno));
  }
  return {};
}

Result<void> FrameStream::wait(short events, Deadline deadline) const {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Deadline::clock::now());
    if (left <= milliseconds(0)) {
      return Error(Code::Deadline, "the other end of the child's socket did not act in time");
    }
    constexpr milliseconds kPollMax(60'000);
    pollfd one{.fd = fd_, .events = events, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min(left, kPollMax).count()));
    if (ready > 0) {
      return {};
    }
    if (ready < 0 && errno != EINTR) {
      return Error(Code::Internal, "waiting on the child's socket failed")
          .with_detail(std::strerror(errno));
    }
  }
}

Result<void> FrameStream::send(const wire::FromChild& message, Deadline deadline) {
  SLUICE_CHECK_OK(append_frame(unsent_, message));
  std::size_t done = 0;
  Result<void> outcome;
  while (done < unsent_.size() && outcome.ok()) {
    const ssize_t written = ::write(fd_, unsent_.data() + done, unsent_.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      outcome = wait(POLLOUT, deadline);
    } else if (written == 0 || errno != EINTR) {
      outcome = gone();
    }
  }
  unsent_.erase(0, done);
  return outcome;
}

Result<wire::ToChild> FrameStream::receive(Deadline deadline) {
  std::array<char, kReadBytes> bytes;
  for (;;) {
    SLUICE_TRY(std::optional<wire::ToChild> message, decoder_.next());
    if (message) {
      return *std::move(message);
    }
    const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
    if (got > 0) {
      decoder_.feed({bytes.data(), static_cast<std::size_t>(got)});
    } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      SLUICE_CHECK_OK(wait(POLLIN, deadline));
    } else if (got == 0 || errno != EINTR) {
      return gone();
    }
  }
}

}  // namespace sluice::codemode_runner
