// The part of the bus contract (bus_contract.h): streams: order, credit and giving up.
#pragma once

#include "common/bus/bus_contract.h"

#include <gtest/gtest.h>

namespace sluice::bus {

template <class Rig>
class StreamContract : public BusContract<Rig> {};

TYPED_TEST_SUITE_P(StreamContract);

TYPED_TEST_P(StreamContract, AStreamDeliversItsChunksInOrderAndThenTheFinal) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.chunk_bytes = 2000;
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  constexpr int kChunks = 1500;  // far beyond the credit of chunks and of bytes

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(kChunks), this->context()));
  ASSERT_THAT(stream, IsOk());
  int count = 0;
  while (true) {
    const auto chunk = this->run(stream.value().next());
    ASSERT_THAT(chunk, IsOk());
    if (!chunk.value()) {
      break;
    }
    EXPECT_EQ(std::stoi(chunk.value()->events()), count);
    ++count;
  }

  EXPECT_EQ(count, kChunks);
  EXPECT_EQ(stream.value().final().status(), static_cast<std::uint32_t>(kChunks));
}

TYPED_TEST_P(StreamContract, AStreamWithoutChunksHasItsFinalAlone) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(0), this->context()));
  ASSERT_THAT(stream, IsOk());
  const auto end = this->run(stream.value().next());

  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end.value().has_value());
  EXPECT_EQ(stream.value().final().status(), 0U);
}

TYPED_TEST_P(StreamContract, AReaderThatStopsStopsTheWriterAfterItsCreditOfChunks) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));

  ASSERT_TRUE(this->until([&] { return handler.written == 64; })) << handler.written;
  this->pause(50ms);
  EXPECT_EQ(handler.written, 64);
  ASSERT_THAT(this->run(stream.value().next()), IsOk());
}

TYPED_TEST_P(StreamContract, AReaderThatStopsStopsTheWriterAfterItsCreditOfBytes) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.chunk_bytes = 100 << 10;  // 1 MiB is used up by the eleventh
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();

  auto stream =
      this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));

  ASSERT_TRUE(this->until([&] { return handler.written == 11; })) << handler.written;
  this->pause(50ms);
  EXPECT_EQ(handler.written, 11);
  ASSERT_THAT(this->run(stream.value().next()), IsOk());
}

TYPED_TEST_P(StreamContract, GivingUpAStreamCancelsItsHandler) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  {
    auto stream =
        this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));
    ASSERT_THAT(stream, IsOk());
    ASSERT_THAT(this->run(stream.value().next()), IsOk());
  }

  EXPECT_TRUE(this->until([&] { return handler.cancelled == 1; }));
  EXPECT_TRUE(this->until([&] { return callee.bus->in_flight() == 0; }));
}

TYPED_TEST_P(StreamContract, AStreamGivenUpBeforeItOpenedIsCancelledWhenItOpens) {
  Peer& caller = this->join("ingress");
  Peer& callee = this->join("provider-router");
  auto& handler = this->template keep<CountingChat>();
  handler.clock = this->rig_.clock();
  handler.pause_first = 50ms;
  ASSERT_THAT(callee.bus->serve(endpoints::kProviderChat, handler), IsOk());
  this->settle();
  {
    auto stream =
        this->run(caller.bus->open(endpoints::kProviderChat, this->chat(1000), this->context()));
    ASSERT_THAT(stream, IsOk());
    ASSERT_TRUE(this->until([&] { return callee.bus->in_flight() == 1; }));
  }

  EXPECT_TRUE(this->until([&] { return handler.cancelled == 1; }));
  EXPECT_LE(handler.written, 64);
}

REGISTER_TYPED_TEST_SUITE_P(
    StreamContract,
    AStreamDeliversItsChunksInOrderAndThenTheFinal,
    AStreamWithoutChunksHasItsFinalAlone,
    AReaderThatStopsStopsTheWriterAfterItsCreditOfChunks,
    AReaderThatStopsStopsTheWriterAfterItsCreditOfBytes,
    GivingUpAStreamCancelsItsHandler,
    AStreamGivenUpBeforeItOpenedIsCancelledWhenItOpens
);

}  // namespace sluice::bus
