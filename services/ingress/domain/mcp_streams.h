// McpStreams: event streams of MCP clients that want to hear when their lists of tools, resources
// or prompts change, or single resources, for as long as they listen.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/catalog_source.h"
#include "services/ingress/domain/mcp_event_id.h"
#include "services/ingress/domain/mcp_reply.h"
#include "services/ingress/domain/mcp_result.h"
#include "services/ingress/domain/mcp_subscriptions.h"
#include "services/ingress/domain/version_watch.h"

#include "common/async/clock.h"
#include "common/async/one_shot.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::ingress {

// One stream under way.
struct McpListener {
  const http::HttpRequest* request = nullptr;  // carries the credential and the include headers
  Owner owner;
  RequestContext context;
  McpEvents* reply = nullptr;
  std::string first;       // message before all others; "": none
  ChangeMessages changes;  // of each kind
  std::string session;     // legacy: the stream ends with it, and it says which resources; "": none
  std::optional<mcp::RpcId> subscription;  // modern: what its messages belong to
  std::vector<std::string> resources;      // modern: whose changes are told, asked for already
  McpReply* numbered = nullptr;            // legacy: reply, where its events have ids; may be null
  bool primed = false;                     // and the first is an id alone
  std::optional<ListMarks> known;  // the lists the client knows from the stream it goes on with

  // Of McpStreams.
  McpEventId id;            // of the last event; its lists are those the client knows
  ResourceUpdates updates;  // to be told
  TimePoint renewal;        // when servers are asked again
};

// A change is told once for all that happens within kMcpChangeGather, and only where the list this
// caller sees is another one. The caller is authenticated again each time.
class McpStreams {
 public:
  struct Deps {
    Admission* admission;  // all outlive it
    CatalogSource* catalog;
    McpSessionStore* sessions;
    McpSubscriptions* subscriptions;
    const VersionWatch* versions;
    async::Clock* clock;
  };

  explicit McpStreams(Deps deps) : deps_(deps) {}

  McpStreams(const McpStreams&) = delete;
  McpStreams& operator=(const McpStreams&) = delete;
  McpStreams(McpStreams&&) = delete;
  McpStreams& operator=(McpStreams&&) = delete;
  ~McpStreams() = default;

  // Until stop(), until the session ends, or until another stream of the session replaces this
  // one: a client has one, and a new one means that it gave up the old. A client that goes on with
  // an earlier stream is told at once which lists are other ones by now, and that each resource it
  // subscribed to may have changed. Errors: Exhausted (too many
  // streams of this principal), Unauthenticated (the key was withdrawn), Cancelled (the client
  // left), those of the writer.
  Async<void> run(McpListener* listener);

  // Something may have changed.
  void wake();
  // A server says that a resource of its own has changed.
  void updated(const std::string& server_id, const std::string& uri);
  // Ends every stream, and each that begins later.
  void stop();

 private:
  struct Versions {
    std::uint64_t generation = 0;
    std::uint64_t policy = 0;

    friend bool operator==(const Versions&, const Versions&) = default;
  };

  // Counts a stream while it lives.
  class Place;

  [[nodiscard]] Versions versions() const;
  [[nodiscard]] const ListMarks& marks(const SnapshotPtr& snapshot);
  [[nodiscard]] bool replaced(const McpListener* listener) const;
  Async<void> wait(Duration longest);
  Async<void> tell_changes(McpListener* listener);
  Async<void> tell(McpListener* listener, ListMarks marks);
  Async<void> tell_first(McpListener* listener, ListMarks marks);
  Async<void> tell_lists(McpListener* listener, ListMarks marks);
  Async<void> notify(McpListener* listener, std::string message);
  Async<void> tell_updates(McpListener* listener, SnapshotPtr now);
  Async<void> renew(McpListener* listener, SnapshotPtr now);
  Async<std::vector<std::string>> resources_of(McpListener* listener);
  Async<Admitted> admit(McpListener* listener);
  Async<SnapshotPtr> snapshot(McpListener* listener);
  Async<bool> session_lives(McpListener* listener);

  Deps deps_;
  bool stopped_ = false;
  SnapshotPtr marked_;
  ListMarks marks_;
  std::set<async::OneShot<void>*> waiting_;
  std::set<McpListener*> listening_;
  std::map<std::string, std::size_t> streams_;            // by principal
  std::map<std::string, const McpListener*> of_session_;  // the newest
};

}  // namespace sluice::ingress
