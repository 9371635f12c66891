#include "services/mcp-connector/adapters/bus_ports.h"

#include "services/mcp-connector/handlers/server_catalog.h"
#include "services/mcp-connector/testing/fixture.h"

#include "common/bus/testing/in_memory_bus.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

// Two services on one broker: the connector of the fixture and a caller.
class BusPortsTest : public ::testing::Test {
 protected:
  BusPortsTest() {
    EXPECT_THAT(fixture_.loop.finish(connector_.start()), IsOk());
    EXPECT_THAT(fixture_.loop.finish(caller_.start()), IsOk());
    subjects_.use(fixture_.handler.get(), fixture_.input.get(), &catalog_);
    fixture_.start();
  }

  ~BusPortsTest() override {
    const auto deadline = fixture_.loop.clock.now() + std::chrono::seconds(1);
    EXPECT_THAT(fixture_.loop.finish(connector_.drain(deadline)), IsOk());
    EXPECT_THAT(fixture_.loop.finish(caller_.drain(deadline)), IsOk());
  }

  bus::Bus::Deps deps(bus::Transport* transport, std::string service, std::string instance) {
    return {
        .executor = fixture_.loop.executor(),
        .clock = &fixture_.loop.clock,
        .log = &fixture_.log,
        .metrics = fixture_.metrics.get(),
        .transport = transport,
        .service = std::move(service),
        .instance = std::move(instance),
    };
  }

  Async<connector::v1::Final> call(connector::v1::Request request, RequestContext context) {
    SLUICE_CO_TRY(
        auto stream,
        co_await caller_.open(
            endpoints::kConnectorRequest,
            fixture_.server_id().str(),
            std::move(request),
            std::move(context)
        )
    );
    while (true) {
      SLUICE_CO_TRY(const auto chunk, co_await stream.next());
      if (!chunk) {
        co_return stream.final();
      }
      ++chunks_;
    }
  }

  ConnectorFixture fixture_;
  bus::InMemoryBroker broker_;
  bus::InMemoryTransport connector_transport_{fixture_.loop.executor(), &broker_};
  bus::InMemoryTransport caller_transport_{fixture_.loop.executor(), &broker_};
  bus::Bus connector_{deps(&connector_transport_, "mcp-connector", "c1")};
  bus::Bus caller_{deps(&caller_transport_, "ingress", "i1")};
  BusSubjects subjects_{&connector_};
  ServerCatalogHandler catalog_{{.pool = fixture_.pool.get()}};
  int chunks_ = 0;
};

TEST_F(BusPortsTest, AGrantedCallTravelsTheBusWithItsProgress) {
  const auto serving = subjects_.serve(fixture_.server_id());
  ASSERT_THAT(serving, IsOk());
  fixture_.server.on("tools/call", [this](const mcp::Message& request) {
    fixture_.server.say(
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
        mcp::to_json(*request.id) + R"(,"progress":1}})"
    );
    return ScriptedServer::Reply{.result = R"({"content":[]})", .error = {}};
  });

  const auto final = fixture_.loop.finish(call(fixture_.write_request(), fixture_.context()));

  ASSERT_THAT(final, IsOk());
  EXPECT_EQ(final.value().result(), R"({"content":[]})");
  EXPECT_EQ(chunks_, 1);
}

TEST_F(BusPortsTest, ARefusalKeepsItsCodeOverTheBus) {
  const auto serving = subjects_.serve(fixture_.server_id());
  ASSERT_THAT(serving, IsOk());
  auto request = fixture_.write_request();
  request.clear_grant();

  EXPECT_THAT(
      fixture_.loop.finish(call(std::move(request), fixture_.context())), HasCode(Code::Denied)
  );
}

TEST_F(BusPortsTest, AServerNobodyServesIsUnavailable) {
  BusHolders holders(&caller_);

  EXPECT_THAT(
      fixture_.loop.finish(call(fixture_.write_request(), fixture_.context())),
      HasCode(Code::Unavailable)
  );
  EXPECT_THAT(
      fixture_.loop.finish(holders.catalog_of(fixture_.server_id(), false, fixture_.context())),
      HasCode(Code::Unavailable)
  );
}

TEST_F(BusPortsTest, AnotherReplicaAsksTheHolder) {
  const auto serving = subjects_.serve(fixture_.server_id());
  ASSERT_THAT(serving, IsOk());
  BusHolders holders(&caller_);

  const auto catalog =
      fixture_.loop.finish(holders.catalog_of(fixture_.server_id(), true, fixture_.context()));

  ASSERT_THAT(catalog, IsOk());
  EXPECT_EQ(catalog.value().name(), "files");
  EXPECT_EQ(catalog.value().tools_size(), 2);
  EXPECT_TRUE(fixture_.loop.advance_until(
      [this] { return fixture_.server.opened() == 2; }, std::chrono::seconds(1)
  ));
}

TEST_F(BusPortsTest, EventsReachWhoListens) {
  int catalogs = 0;
  int servers = 0;
  const auto first = caller_.listen<connector::v1::CatalogChanged>(
      endpoints::kCatalogChanged, [&catalogs](const connector::v1::CatalogChanged&) { ++catalogs; }
  );
  const auto second = caller_.listen<connector::v1::ServerChanged>(
      endpoints::kServerChanged, [&servers](const connector::v1::ServerChanged&) { ++servers; }
  );
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  BusAnnouncer announcer(&connector_, &fixture_.log);

  announcer.catalog_changed({});
  announcer.server_changed({});
  fixture_.loop.settle();

  EXPECT_EQ(catalogs, 1);
  EXPECT_EQ(servers, 1);
}

}  // namespace
}  // namespace sluice::mcp_connector
