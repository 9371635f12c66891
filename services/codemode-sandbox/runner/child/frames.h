// Frames between a runner and a child: 4 bytes little-endian length, then one ToChild or FromChild.
// Either side is read as if it were hostile: a length over the bound or bytes that are no message
// end the conversation. No V8, no Asio.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include "common/base/result.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {

namespace wire = ::sluice::codemode::runner;

// Bytes of one message, both ways: the largest value (4 MiB) with room for what is around it.
inline constexpr std::size_t kFrameBytesMax = std::size_t{8} << 20;
inline constexpr std::size_t kFrameHeaderBytes = 4;

// Appends header and message. Errors: Exhausted (message over kFrameBytesMax; out is unchanged).
[[nodiscard]] Result<void> append_frame(
    std::string& out, const google::protobuf::MessageLite& message
);

// Cuts a byte stream into messages' bytes. Holds at most one frame beyond what was fed at once.
class FrameCutter {
 public:
  void feed(std::string_view bytes);

  // The next whole message's bytes (valid until the next call of feed or next), nothing when more
  // bytes are needed. Errors: Invalid (length of 0 or over the bound); then the stream is over.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  // Bytes fed and not yet given out.
  [[nodiscard]] std::size_t pending() const { return buffer_.size() - begin_; }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
};

// FrameCutter with parsing. Message is wire::ToChild or wire::FromChild.
template <class Message>
class FrameDecoder {
 public:
  void feed(std::string_view bytes) { cutter_.feed(bytes); }

  // Errors: Invalid (as FrameCutter; no message of this type; a message with none of its kinds
  // set).
  [[nodiscard]] Result<std::optional<Message>> next() {
    SLUICE_TRY(const std::optional<std::string_view> bytes, cutter_.next());
    if (!bytes) {
      return std::optional<Message>();
    }
    std::optional<Message> message(std::in_place);
    if (!message->ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
        message->message_case() == Message::MESSAGE_NOT_SET) {
      return Error(Code::Invalid, "a frame holds no message of its kind: end this conversation");
    }
    return message;
  }

  [[nodiscard]] std::size_t pending() const { return cutter_.pending(); }

 private:
  FrameCutter cutter_;
};

// A child's end of its socketpair: blocking, with deadlines. Does not own the descriptor, which
// must be O_NONBLOCK (FrameStream::prepare).
class FrameStream {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit FrameStream(int fd) : fd_(fd) {}

  // O_NONBLOCK on the descriptor. Errors: Internal.
  [[nodiscard]] static Result<void> prepare(int fd);

  // Errors: Exhausted (too large; nothing was sent), Deadline (the rest of the frame goes before
  // the next one), Unavailable (the other side is gone; the stream is over).
  [[nodiscard]] Result<void> send(const wire::FromChild& message, Deadline deadline);

  // Errors: Deadline, Unavailable (the other side is gone), Invalid.
  [[nodiscard]] Result<wire::ToChild> receive(Deadline deadline);

 private:
  [[nodiscard]] Result<void> wait(short events, Deadline deadline) const;

  int fd_;
  std::string unsent_;
  FrameDecoder<wire::ToChild> decoder_;
};

}  // namespace sluice::codemode_runner
