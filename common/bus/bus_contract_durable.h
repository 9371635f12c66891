// The part of the bus contract (bus_contract.h): durable messages: stored, fetched, acknowledged
// once.
#pragma once

#include "common/bus/bus_contract.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bus {

template <class Rig>
class DurableContract : public BusContract<Rig> {};

// Acknowledges nothing.
inline Async<void> fetch_and_keep(DurableConsumer* consumer) {
  for (;;) {
    SLUICE_CO_CHECK_OK(co_await consumer->fetch(10, std::chrono::seconds(1)));
  }
}

TYPED_TEST_SUITE_P(DurableContract);

TYPED_TEST_P(DurableContract, DurableMessagesAreStoredFetchedAndAcknowledgedOnce) {
  Peer& producer = this->join("ingress");
  Peer& writer = this->join("audit-writer");
  const TimePoint deadline = this->rig_.clock()->now() + 20s;
  EXPECT_THAT(
      this->run(producer.transport->publish_durable("t.durable", "early", deadline)),
      HasCode(Code::Unavailable)
  );
  auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(consumer, IsOk());

  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(
        this->run(
            producer.transport->publish_durable("t.durable", "m" + std::to_string(i), deadline)
        ),
        IsOk()
    );
  }
  std::vector<DurableMessage> got;
  while (got.size() < 20) {
    auto some = this->run(consumer.value()->fetch(7, 2000ms));
    ASSERT_THAT(some, IsOk());
    ASSERT_FALSE(some.value().empty());
    EXPECT_LE(some.value().size(), 7U);
    for (DurableMessage& message : some.value()) {
      EXPECT_EQ(message.bytes, "m" + std::to_string(got.size()));
      EXPECT_EQ(message.stream_sequence, got.size() + 1);
      got.push_back(std::move(message));
    }
  }
  EXPECT_EQ(consumer.value()->pending(), 0U);
  got.erase(got.begin() + 5, got.end());  // the first five only
  EXPECT_THAT(this->run(consumer.value()->acknowledge(got)), IsOk());
  const auto none = this->run(consumer.value()->fetch(7, 20ms));
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none.value().empty());

  // What was not acknowledged comes again, also to a process started anew.
  consumer = Error(Code::Cancelled, "crashed");
  this->pause(this->rig_.ack_wait());
  auto again = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(again, IsOk());
  std::set<std::string> seen;
  for (int i = 0; i < 20 && seen.size() < 15; ++i) {
    auto some = this->run(again.value()->fetch(100, 1000ms));
    ASSERT_THAT(some, IsOk());
    for (const DurableMessage& message : some.value()) {
      seen.insert(message.bytes);
    }
    EXPECT_THAT(this->run(again.value()->acknowledge(some.value())), IsOk());
  }
  EXPECT_EQ(seen.size(), 15U);
  EXPECT_FALSE(seen.contains("m0"));
}

TYPED_TEST_P(DurableContract, WhatAConsumerDidNotAcknowledgeComesAtOnceToTheNext) {
  Peer& writer = this->join("audit-writer");
  const TimePoint deadline = this->rig_.clock()->now() + 20s;
  auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(consumer, IsOk());
  for (const char* bytes : {"acknowledged", "handed out", "sent"}) {
    ASSERT_THAT(this->run(writer.transport->publish_durable("t.durable", bytes, deadline)), IsOk());
  }
  for (const bool acknowledge : {true, false}) {
    const auto one = this->run(consumer.value()->fetch(1, 2000ms));
    ASSERT_THAT(one, IsOk());
    ASSERT_EQ(one.value().size(), 1U);
    if (acknowledge) {
      EXPECT_THAT(this->run(consumer.value()->acknowledge(one.value())), IsOk());
    }
  }

  const TimePoint ended = this->rig_.clock()->now();
  consumer = Error(Code::Cancelled, "terminated");
  auto next = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
  ASSERT_THAT(next, IsOk());
  std::set<std::string> seen;
  while (seen.size() < 2 && this->rig_.clock()->now() < ended + 10s) {
    const auto some = this->run(next.value()->fetch(10, 200ms));
    ASSERT_THAT(some, IsOk());
    for (const DurableMessage& message : some.value()) {
      seen.insert(message.bytes);
    }
  }

  EXPECT_EQ(seen, (std::set<std::string>{"handed out", "sent"}));
  EXPECT_LT(this->rig_.clock()->now() - ended, std::max(this->rig_.ack_wait(), 500ms));
}

// Each round a message on its way while its reader stops, which is a race, and one behind it.
TYPED_TEST_P(DurableContract, AStoppedConsumerLeavesNothingToWaitForToTheNext) {
  constexpr int kRounds = 20;
  Peer& writer = this->join("audit-writer");
  const auto store = [this, &writer](const std::string& bytes) {
    const TimePoint deadline = this->rig_.clock()->now() + 20s;
    return this->run(writer.transport->publish_durable("t.durable", bytes, deadline));
  };
  for (int round = 0; round < kRounds; ++round) {
    const std::string before = "before " + std::to_string(round);
    const std::string after = "after " + std::to_string(round);
    auto consumer = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
    ASSERT_THAT(consumer, IsOk());
    async::TaskGroup tasks(this->rig_.loop().get_executor(), [](std::string_view, const Error&) {});
    tasks.spawn("fetch", fetch_and_keep(consumer.value().get()));
    this->pause(2ms);

    ASSERT_THAT(store(before), IsOk());
    consumer.value()->stop();
    ASSERT_THAT(store(after), IsOk());
    ASSERT_THAT(this->run(tasks.cancel_and_close()), IsOk());
    consumer = Error(Code::Cancelled, "terminated");
    auto next = this->run(writer.transport->consume("DURABLE", "t.durable", "reader"));
    ASSERT_THAT(next, IsOk());
    std::set<std::string> seen;
    const TimePoint until = this->rig_.clock()->now() + 500ms;
    while (seen.size() < 2 && this->rig_.clock()->now() < until) {
      const auto some = this->run(next.value()->fetch(10, 100ms));
      ASSERT_THAT(some, IsOk());
      for (const DurableMessage& message : some.value()) {
        seen.insert(message.bytes);
      }
      EXPECT_THAT(this->run(next.value()->acknowledge(some.value())), IsOk());
    }

    ASSERT_EQ(seen, (std::set<std::string>{before, after})) << round;
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    DurableContract,
    DurableMessagesAreStoredFetchedAndAcknowledgedOnce,
    WhatAConsumerDidNotAcknowledgeComesAtOnceToTheNext,
    AStoppedConsumerLeavesNothingToWaitForToTheNext
);

}  // namespace sluice::bus
