#include "services/codemode-sandbox/runner/child/frames.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <thread>

#include <sys/socket.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;
using testing::IsOk;

FrameStream::Deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

wire::ToChild start(std::string javascript) {
  wire::ToChild message;
  message.mutable_start()->set_javascript(std::move(javascript));
  return message;
}

std::string framed(const google::protobuf::MessageLite& message) {
  std::string bytes;
  EXPECT_THAT(append_frame(bytes, message), IsOk());
  return bytes;
}

// Both ends of one socketpair; the child's is prepared.
struct Ends {
  Ends() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    child = fds[0];
    runner = fds[1];
    EXPECT_THAT(FrameStream::prepare(child), IsOk());
  }

  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  ~Ends() {
    ::close(child);
    hang_up();
  }

  void hang_up() {
    if (runner >= 0) {
      ::close(runner);
    }
    runner = -1;
  }

  void put(std::string_view bytes) const {
    ASSERT_EQ(::write(runner, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  int child = -1;
  int runner = -1;
};

TEST(FrameDecoder, FindsMessagesHoweverTheBytesAreCut) {
  const std::string bytes = framed(start("one")) + framed(start(std::string(300, 'x')));

  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    FrameDecoder<wire::ToChild> decoder;
    std::vector<std::size_t> lengths;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      decoder.feed(std::string_view(bytes).substr(at, piece));
      for (;;) {
        auto message = decoder.next();
        ASSERT_THAT(message, IsOk());
        if (!message.value()) {
          break;
        }
        lengths.push_back(message.value()->start().javascript().size());
      }
    }
    EXPECT_EQ(lengths, (std::vector<std::size_t>{3, 300}));
    EXPECT_EQ(decoder.pending(), 0U);
  }
}

TEST(FrameDecoder, RefusesLengthsOutOfBoundsBeforeTheBytesCome) {
  for (const std::string& header :
       {std::string("\0\0\0\0", 4), std::string("\x01\0\x80\0", 4), std::string(4, '\xff')}) {
    FrameDecoder<wire::FromChild> decoder;
    decoder.feed(header);
    EXPECT_THAT(decoder.next(), HasCode(Code::Invalid));
  }
}

TEST(FrameDecoder, TakesAFrameOfExactlyTheBound) {
  FrameDecoder<wire::FromChild> decoder;
  decoder.feed(std::string("\0\0\x80\0", 4));
  const auto message = decoder.next();
  ASSERT_THAT(message, IsOk());
  EXPECT_FALSE(message.value().has_value());
}

TEST(FrameDecoder, RefusesBytesThatAreNoMessageOrAMessageOfNoKind) {
  FrameDecoder<wire::FromChild> garbage;
  garbage.feed(std::string("\x02\0\0\0\xff\xff", 6));
  EXPECT_THAT(garbage.next(), HasCode(Code::Invalid));

  FrameDecoder<wire::FromChild> no_kind;
  no_kind.feed(std::string("\x03\0\0\0\x98\x06\x01", 7));  // an unknown field
  EXPECT_THAT(no_kind.next(), HasCode(Code::Invalid));
}

TEST(AppendFrame, LeavesTheOutputAloneWhenTheMessageIsTooLarge) {
  std::string out = "before";
  EXPECT_THAT(append_frame(out, start(std::string(kFrameBytesMax, 'x'))), HasCode(Code::Exhausted));
  EXPECT_EQ(out, "before");
}

TEST(FrameStream, ReceivesWhatComesInPieces) {
  Ends ends;
  const std::string bytes = framed(start("return 1"));
  std::thread runner([&] {
    for (const char byte : bytes) {
      ends.put(std::string_view(&byte, 1));
    }
  });

  FrameStream stream(ends.child);
  const auto message = stream.receive(in(5s));
  runner.join();

  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(message.value().start().javascript(), "return 1");
}

TEST(FrameStream, SendsAMessageLargerThanTheSocketsBuffer) {
  Ends ends;
  wire::FromChild message;
  message.mutable_finished()->set_value(std::string(std::size_t{4} << 20, 'v'));
  FrameDecoder<wire::FromChild> decoder;
  std::size_t value = 0;
  std::thread runner([&] {
    std::string bytes(65536, '\0');
    while (value == 0) {
      const ssize_t got = ::read(ends.runner, bytes.data(), bytes.size());
      ASSERT_GT(got, 0);
      decoder.feed({bytes.data(), static_cast<std::size_t>(got)});
      auto next = decoder.next();
      ASSERT_THAT(next, IsOk());
      value = next.value() ? next.value()->finished().value().size() : 0;
    }
  });

  FrameStream stream(ends.child);
  EXPECT_THAT(stream.send(message, in(5s)), IsOk());
  runner.join();

  EXPECT_EQ(value, std::size_t{4} << 20);
}

TEST(FrameStream, EndsAtItsDeadlineBothWays) {
  Ends ends;
  FrameStream stream(ends.child);
  wire::FromChild large;
  large.mutable_finished()->set_value(std::string(std::size_t{4} << 20, 'v'));

  EXPECT_THAT(stream.receive(in(20ms)), HasCode(Code::Deadline));
  EXPECT_THAT(stream.send(large, in(20ms)), HasCode(Code::Deadline));
}

TEST(FrameStream, TheRestOfAFrameGoesBeforeTheNextOne) {
  Ends ends;
  FrameStream stream(ends.child);
  wire::FromChild large;
  large.mutable_console()->set_text(std::string(std::size_t{4} << 20, 'x'));
  wire::FromChild last;
  last.mutable_finished()->set_calls(7);
  ASSERT_THAT(stream.send(large, in(20ms)), HasCode(Code::Deadline));

  FrameDecoder<wire::FromChild> decoder;
  std::vector<wire::FromChild> received;
  std::thread reader([&] {
    std::vector<char> bytes(std::size_t{64} << 10);
    while (received.size() < 2) {
      const ssize_t got = ::read(ends.runner, bytes.data(), bytes.size());
      ASSERT_GT(got, 0);
      decoder.feed({bytes.data(), static_cast<std::size_t>(got)});
      for (auto next = decoder.next(); next.ok() && next.value(); next = decoder.next()) {
        received.push_back(*next.value());
      }
    }
  });
  EXPECT_THAT(stream.send(last, in(5s)), IsOk());
  reader.join();

  EXPECT_EQ(received[0].console().text().size(), std::size_t{4} << 20);
  EXPECT_EQ(received[1].finished().calls(), 7U);
}

TEST(FrameStream, TellsThatTheOtherEndIsGone) {
  Ends ends;
  ends.hang_up();

  FrameStream stream(ends.child);

  EXPECT_THAT(stream.receive(in(5s)), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::codemode_runner
