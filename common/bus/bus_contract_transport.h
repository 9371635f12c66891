// The part of the bus contract (bus_contract.h): subjects, queue groups and refusals of a transport
// by itself.
#pragma once

#include "common/bus/bus_contract.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::bus {

template <class Rig>
class TransportContract : public BusContract<Rig> {};

TYPED_TEST_SUITE_P(TransportContract);

TYPED_TEST_P(TransportContract, EverySubscriberGetsAMessageAndOneOfEachQueueGroup) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  int plain = 0;
  int grouped = 0;
  auto& transport = *receiver.transport;
  const auto a = transport.subscribe("t.x", "", [&plain](const Delivery&) { ++plain; });
  const auto b = transport.subscribe("t.*", "", [&plain](const Delivery&) { ++plain; });
  const auto c = transport.subscribe("t.x", "g", [&grouped](const Delivery&) { ++grouped; });
  const auto d = transport.subscribe("t.x", "g", [&grouped](const Delivery&) { ++grouped; });
  this->settle();

  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(publisher.transport->publish("t.x", "", "bytes"), IsOk());
  }

  EXPECT_TRUE(this->until([&] { return plain == 20 && grouped == 10; })) << plain << " " << grouped;
}

TYPED_TEST_P(TransportContract, BytesSubjectAndReplyArriveUnchanged) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  const std::string bytes = std::string("\0\r\n\xff", 4) + std::string(3 << 20, 'b');
  std::string subject;
  std::string reply;
  std::string got;
  const auto subscription = receiver.transport->subscribe("t.>", "", [&](const Delivery& delivery) {
    subject = delivery.subject;
    reply = delivery.reply;
    got = delivery.bytes;
  });
  this->settle();

  EXPECT_THAT(publisher.transport->publish("t.a.b", "_INBOX.ingress.r", bytes), IsOk());

  EXPECT_TRUE(this->until([&] { return !got.empty(); }));
  EXPECT_EQ(subject, "t.a.b");
  EXPECT_EQ(reply, "_INBOX.ingress.r");
  EXPECT_TRUE(got == bytes);
}

TYPED_TEST_P(TransportContract, TheSenderIsToldWhenNobodyListens) {
  Peer& publisher = this->join("ingress");
  std::string subject;
  const auto inbox = publisher.transport->subscribe(
      "_INBOX.ingress.a.n3",
      "",
      [&subject](const Delivery& delivery) {
        EXPECT_TRUE(delivery.no_responders);
        subject = delivery.subject;
      }
  );

  EXPECT_THAT(publisher.transport->publish("t.nobody", "_INBOX.ingress.a.n3", "bytes"), IsOk());

  EXPECT_TRUE(this->until([&] { return !subject.empty(); }));
  EXPECT_EQ(subject, "_INBOX.ingress.a.n3");
}

TYPED_TEST_P(TransportContract, AMessageOverTheLimitIsInvalid) {
  Peer& publisher = this->join("ingress");
  const std::string bytes(publisher.transport->payload_bytes_max() + 1, 'x');

  EXPECT_THAT(publisher.transport->publish("t.x", "", bytes), HasCode(Code::Invalid));
  EXPECT_THAT(
      this->run(publisher.bus->call(endpoints::kProviderEmbed, this->embed(bytes), this->context())
      ),
      HasCode(Code::Invalid)
  );
}

TYPED_TEST_P(TransportContract, NothingIsDeliveredAfterASubscriptionWent) {
  Peer& publisher = this->join("ingress");
  Peer& receiver = this->join("provider-router");
  int first = 0;
  int second = 0;
  auto gone = receiver.transport->subscribe("t.x", "", [&first](const Delivery&) { ++first; });
  const auto kept =
      receiver.transport->subscribe("t.x", "", [&second](const Delivery&) { ++second; });
  this->settle();

  gone = Error(Code::Cancelled, "gone");
  EXPECT_THAT(publisher.transport->publish("t.x", "", "bytes"), IsOk());

  EXPECT_TRUE(this->until([&] { return second == 1; }));
  EXPECT_EQ(first, 0);
}

REGISTER_TYPED_TEST_SUITE_P(
    TransportContract,
    EverySubscriberGetsAMessageAndOneOfEachQueueGroup,
    BytesSubjectAndReplyArriveUnchanged,
    TheSenderIsToldWhenNobodyListens,
    AMessageOverTheLimitIsInvalid,
    NothingIsDeliveredAfterASubscriptionWent
);

}  // namespace sluice::bus
