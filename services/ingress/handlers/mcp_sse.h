// /sse: the transport of 2024-11-05 for clients that know no other: GET opens an event stream,
// whose first event says where to post; POST is answered 202, and the answer comes on the stream.
// Off unless http.legacy_sse is on.
//
// Everything that is posted is put to /mcp in a session of its own, so both answer alike. A stream
// lives on the replica that opened it, and posts must reach that one: another knows no such session
// and answers 404.
#pragma once

#include "services/ingress/domain/admission.h"
#include "services/ingress/domain/mcp_sse_stream.h"
#include "services/ingress/domain/protected_resource.h"
#include "services/ingress/handlers/mcp.h"

#include "common/async/clock.h"
#include "common/async/task_group.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::ingress {

class McpSseHandler {
 public:
  struct Deps {
    Admission* admission;  // all outlive the handler
    McpHandler* mcp;
    async::TaskGroup* tasks;  // closed before the handler goes
    async::Clock* clock;
    const ProtectedResource* resource;         // may be null
    std::vector<std::string> allowed_origins;  // http.allowed_origins
  };

  explicit McpSseHandler(Deps deps) : deps_(std::move(deps)) {}

  McpSseHandler(const McpSseHandler&) = delete;
  McpSseHandler& operator=(const McpSseHandler&) = delete;
  McpSseHandler(McpSseHandler&&) = delete;
  McpSseHandler& operator=(McpSseHandler&&) = delete;
  ~McpSseHandler() = default;

  // GET /sse. Ends with the client, with the key, or by stop().
  Async<void> listen(
      http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
  );
  // POST /sse/message?session=<id>. 404 for a session that is none of the caller's.
  Async<http::HttpResponse> post(http::HttpRequest request, RequestContext context);

  // Ends every stream, and each that begins later.
  void stop();

 private:
  using StreamPtr = std::shared_ptr<McpSseStream>;

  Async<Admitted> admit(const http::HttpRequest* request, RequestContext context);
  [[nodiscard]] http::HttpResponse refused(const Error& error, const http::HttpRequest& request)
      const;
  [[nodiscard]] bool has_room(const Owner& owner) const;
  Async<void> serve(
      StreamPtr stream,
      const http::HttpRequest* request,
      http::ResponseWriter* writer,
      RequestContext context
  );
  void close(const StreamPtr& stream, const http::HttpRequest& request, RequestContext context);
  // Of one message posted, and of what a session tells unasked.
  Async<void> answer(StreamPtr stream, http::HttpRequest request, RequestContext context);
  Async<void> tell(StreamPtr stream, http::HttpRequest request, RequestContext context);
  Async<void> end_session(http::HttpRequest request, RequestContext context);

  Deps deps_;
  bool stopped_ = false;
  std::map<std::string, StreamPtr, std::less<>> streams_;  // by id
};

}  // namespace sluice::ingress
