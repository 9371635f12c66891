// What mcp-connector needs from outside, as interfaces. Real ones: adapters/; fakes:
// testing/fakes.h. The audit trail is audit::Client, which has its own recording fake.
#pragma once

#include "services/mcp-connector/config.h"

#include "common/async/async.h"
#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/base/ids.h"
#include "common/bus/bus.h"
#include "common/mcp/modern_messages.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::mcp_connector {

// One connection to a running MCP server: whole JSON-RPC messages as text, both ways.
class ServerLink {
 public:
  struct Outbound {
    std::string message;
    mcp::HeaderList headers;  // what a request of the modern era repeats over HTTP; else none
    std::optional<std::int64_t> request;  // its id, when the server is to answer it
    TimePoint answer_by;                  // of a request: nobody waits any longer
  };

  // A request of ours that will get no answer, although the connection lives on.
  struct Unanswered {
    std::int64_t request = 0;
    Error why;
  };

  // A line or body that may be a message.
  struct Received {
    std::string text;
    std::optional<std::int64_t> during;  // the request of ours on whose stream it came
  };

  // What comes instead of one counts too.
  using Inbound = std::variant<Received, Unanswered>;

  virtual ~ServerLink() = default;
  // Queues one message. Errors: Unavailable (the server is gone; certainly not sent), Exhausted (it
  // does not read).
  virtual Result<void> send(Outbound outbound) = 0;
  // What comes next; nullopt when the server is gone. One waiter.
  virtual Async<std::optional<Inbound>> receive() = 0;

  // Nobody waits for the answer to that request any more. The notification tells the server, unless
  // this transport has another way.
  virtual Result<void> cancel(std::int64_t /*request*/, std::string notification) {
    return send({.message = std::move(notification), .headers = {}, .request = {}, .answer_by = {}}
    );
  }

  // Whether each request has a stream of its own. Otherwise `during` is never set.
  [[nodiscard]] virtual bool tells_requests() const { return false; }

  // Both sides speak this protocol version from now on.
  virtual void negotiated(std::string_view protocol_version) = 0;
  // Ends the connection, and a server that was started for it; returns when nothing of it is left.
  // receive() yields nullopt from then on. Call once.
  virtual Async<void> stop() = 0;
  // What it said last outside of messages (the end of stderr), for logs.
  [[nodiscard]] virtual std::string last_words() const = 0;
};

class LinkOpener {
 public:
  virtual ~LinkOpener() = default;
  // Errors: Invalid (the settings cannot work), Unavailable (could not be started or reached).
  virtual Async<std::unique_ptr<ServerLink>> open(const ServerConfig* server) = 0;
};

// Who may talk to a server. At most one holder at a time; the epoch orders holders.
class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  // The new epoch, or nullopt while another holds it. Errors: Unavailable, Deadline.
  virtual Async<std::optional<std::uint64_t>> acquire(
      ServerId server, std::uint64_t last_epoch
  ) = 0;
  // False when another holds it or held it since.
  virtual Async<bool> renew(ServerId server, std::uint64_t epoch) = 0;
  virtual Async<void> release(ServerId server, std::uint64_t epoch) = 0;
};

// Copies of what holders know, for everyone else and for the next holder. May be empty at any time.
class ConnectionStates {
 public:
  virtual ~ConnectionStates() = default;
  virtual Async<void> put(connector::v1::ServerCatalog catalog) = 0;
  virtual Async<std::optional<connector::v1::ServerCatalog>> get(ServerId server) = 0;
};

// Single use of read grants.
class Nonces {
 public:
  virtual ~Nonces() = default;
  // True for the first use. Errors: Unavailable, Deadline: then the grant counts as used up.
  virtual Async<bool> use(std::string grant_id, std::chrono::milliseconds remember) = 0;
};

// Tells everyone who listens.
class Announcer {
 public:
  virtual ~Announcer() = default;
  virtual void catalog_changed(const connector::v1::CatalogChanged& event) = 0;
  virtual void server_changed(const connector::v1::ServerChanged& event) = 0;
  virtual void resource_updated(const connector::v1::ResourceUpdated& event) = 0;
  virtual void servers_changed() = 0;
};

// The subjects of one server, served while the returned things live.
class Subjects {
 public:
  struct Serving {
    std::unique_ptr<bus::Registration> request;
    std::unique_ptr<bus::Registration> input;
    std::unique_ptr<bus::Registration> catalog;
  };

  virtual ~Subjects() = default;
  virtual Result<Serving> serve(const ServerId& server) = 0;
};

// The servers added by API, as they were sent. Errors of all: Unavailable, Deadline.
class ServerStore {
 public:
  struct Row {
    ServerId id;
    std::string name;
    std::optional<std::string> config;  // JSON object; none: cannot be read with this service's key
    std::int64_t revision = 0;          // one more with each change
  };

  virtual ~ServerStore() = default;
  // Sorted by name, at most kServersAddedMax + 1.
  virtual Async<std::vector<Row>> list() = 0;
  // Errors: Conflict (there is one of that name), Exhausted (kServersAddedMax are there).
  virtual Async<void> insert(Row row, std::string principal) = 0;
  // Errors: Conflict (the revision is no longer row.revision, or it is gone).
  virtual Async<void> update(Row row, std::string principal) = 0;
  // Whether there was one.
  virtual Async<bool> remove(ServerId id) = 0;
};

// The replica that leases a server, asked over the bus.
class Holders {
 public:
  virtual ~Holders() = default;
  // Errors: Unavailable (nobody holds it), Deadline.
  virtual Async<connector::v1::ServerCatalog> catalog_of(
      ServerId server, bool reconnect, RequestContext context
  ) = 0;
};

}  // namespace sluice::mcp_connector
