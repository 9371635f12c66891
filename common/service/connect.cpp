#include "common/service/connect.h"

#include <filesystem>
#include <utility>

namespace sluice::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kBacklogPoll = 10ms;

// Keeps client and transport until the task's end, whatever the service's frame does.
Async<void> run_audit(
    std::shared_ptr<bus::Transport> transport, std::shared_ptr<audit::Client> client
) {
  const auto result = co_await client->run();
  client.reset();
  transport.reset();
  co_return result;
}

audit::v1::Record event(std::string action) {
  audit::v1::Record record;
  record.set_action(std::move(action));
  return record;
}

}  // namespace

bus::NatsOptions read_bus(config::Document& document) {
  config::Section section = document.section("bus");
  bus::NatsOptions options;
  options.url = section.text(
      "url", {.fallback = "nats://127.0.0.1:4222", .description = "nats-server to connect to."}
  );
  static_cast<void>(section.text(
      "monitor_url",
      {.fallback = "http://127.0.0.1:8222",
       .description = "Its monitoring endpoint; audit-writer checks `sync_interval` there."}
  ));
  return options;
}

audit::Options read_audit(config::Document& document, const std::string& service) {
  constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
  config::Section section = document.section("audit");
  audit::Options options;
  const std::string directory = section.text(
      "outbox_directory",
      {.fallback = "/var/lib/sluice/outbox",
       .description =
           "Records not acknowledged yet; one folder per service below it, on a local disk."}
  );
  options.outbox_directory = (std::filesystem::path(directory) / service).string();
  options.outbox_bytes_max = static_cast<std::size_t>(section.integer(
      "outbox_bytes_max",
      {.fallback = 256 * kMebibyte,
       .min = kMebibyte,
       .max = 65536 * kMebibyte,
       .unit = "bytes",
       .description = "Size at which the service answers 503 to new requests."}
  ));
  if (service != "audit-writer") {
    section.leave_rest();
  }
  return options;
}

Async<Link> connect(Runtime runtime, bus::NatsOptions bus_options, audit::Options audit_options) {
  SLUICE_CO_TRY(const Secret<std::string> password, runtime.secret("nats.password"));
  bus_options.user = runtime.service();
  bus_options.password = password.reveal();
  bus_options.name = runtime.service() + "/" + runtime.instance();
  Link link;
  SLUICE_CO_TRY(
      link.transport,
      co_await bus::connect_nats(
          runtime.executor(), runtime.clock(), runtime.log(), std::move(bus_options)
      )
  );
  link.bus = std::make_unique<bus::Bus>(bus::Bus::Deps{
      .executor = runtime.executor(),
      .clock = runtime.clock(),
      .log = runtime.log(),
      .metrics = runtime.metrics(),
      .transport = link.transport.get(),
      .service = runtime.service(),
      .instance = runtime.instance(),
  });
  SLUICE_CO_CHECK_OK(co_await link.bus->start());
  SLUICE_CO_TRY(
      link.audit,
      audit::Client::open(
          {.executor = runtime.executor(),
           .clock = runtime.clock(),
           .log = runtime.log(),
           .metrics = runtime.metrics(),
           .transport = link.transport.get(),
           .bus = link.bus.get(),
           .service = runtime.service()},
          std::move(audit_options)
      )
  );
  runtime.tasks().spawn("audit", run_audit(link.transport, link.audit));
  runtime.add_readiness_check("bus", [transport = link.transport.get()] {
    return std::string(transport->connected() ? "" : "NATS is not connected");
  });
  runtime.add_readiness_check("audit", [audit = link.audit.get()] {
    return std::string(audit->full() ? "the outbox is full" : "");
  });
  SLUICE_CO_TRY(const std::string id, link.audit->record(event("service.started")));
  runtime.log()->debug("service-recorded", {{"event_id", id}});
  co_return link;
}

Async<void> drain(Runtime runtime, Link* link, TimePoint deadline) {
  const auto drained = co_await link->bus->drain(deadline);
  if (const auto id = link->audit->record(event("service.stopped")); !id.ok()) {
    runtime.log()->warn("service-not-recorded", {{"error", id.error().to_log()}});
  }
  SLUICE_CO_CHECK_OK(co_await link->audit->written());
  async::Clock* clock = runtime.clock();
  while (link->audit->backlog() > 0 && clock->now() < deadline) {
    SLUICE_CO_CHECK_OK(co_await async::sleep_for(clock, kBacklogPoll));
  }
  co_return drained;
}

}  // namespace sluice::service
