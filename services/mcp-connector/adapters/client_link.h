// ClientLink: what both HTTP transports share of a link: queues in both directions, the headers of
// every request, and how it ends. Also what a response says before its body is read.
#pragma once

#include "services/mcp-connector/limits.h"
#include "services/mcp-connector/oauth/authorization.h"
#include "services/mcp-connector/ports.h"

#include "common/async/channel.h"
#include "common/async/task_group.h"
#include "common/http/client.h"
#include "common/http/sse.h"
#include "common/observability/log.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

struct ClientLinkDeps {
  Executor executor;
  async::Clock* clock;
  observability::Log* log;
  http::Client* client;                             // outlives every link
  oauth::Authorizations* authorizations = nullptr;  // for servers of auth_type oauth
};

class ClientLink : public ServerLink {
 public:
  ClientLink(
      ClientLinkDeps deps,
      const ServerConfig& server,
      std::shared_ptr<const http::AddressGuard> guard,
      std::shared_ptr<oauth::Authorization> authorization  // null: there is none
  );
  ClientLink(const ClientLink&) = delete;
  ClientLink& operator=(const ClientLink&) = delete;
  ClientLink(ClientLink&&) = delete;
  ClientLink& operator=(ClientLink&&) = delete;
  ~ClientLink() override = default;

  Result<void> send(Outbound outbound) final;

  Async<std::optional<Inbound>> receive() final { return inbound_.pop(); }

  void negotiated(std::string_view protocol_version) final { version_ = protocol_version; }

  [[nodiscard]] std::string last_words() const final { return last_words_; }

 protected:
  // Something was queued.
  virtual void send_queued() = 0;

  [[nodiscard]] const ClientLinkDeps& deps() const { return deps_; }

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] const std::string& url() const { return url_; }

  // Of the protocol; empty until both sides have agreed.
  [[nodiscard]] const std::string& version() const { return version_; }

  [[nodiscard]] bool is_negotiated() const { return !version_.empty(); }

  [[nodiscard]] async::TaskGroup& tasks() { return tasks_; }

  // Under the server's guard, with the configured headers and the protocol version; the body, if
  // any, is a message.
  [[nodiscard]] http::ClientRequest request(
      std::string method, std::string url, std::string body, TimePoint deadline
  ) const;
  // Sends it with the server's authorization. One that was refused for want of a better token was
  // not carried out: it goes once more when there is one. Errors: Client's; those of
  // Authorization::refused(). After Unauthenticated the link is lost where nothing can be sent any
  // more.
  Async<std::unique_ptr<http::BodyStream>> open(http::ClientRequest request);

  // Whether an error of open() is the server's own word, which casts no doubt on the connection.
  [[nodiscard]] bool is_refusal(const Error& error) const {
    return authorization_ != nullptr &&
           (error.code() == Code::Unauthenticated || error.code() == Code::Denied);
  }

  // The oldest message not sent yet.
  [[nodiscard]] std::optional<Outbound> next_queued();

  // Both wait for room, and do nothing once the link has ended. during: the request on whose stream
  // it came. Errors: Cancelled.
  Async<void> deliver(std::string message, std::optional<std::int64_t> during = std::nullopt);
  Async<void> leave_unanswered(std::int64_t request, Error why);

  [[nodiscard]] bool ended() const { return inbound_.closed(); }

  // The end, seen by receive() and send().
  void end() { inbound_.close(); }

  // The same, not of our own will.
  void lose(std::string why) {
    note(std::move(why));
    end();
  }

  void note(std::string why) { last_words_ = std::move(why); }

 private:
  Async<void> push(Inbound inbound);

  ClientLinkDeps deps_;
  std::string name_;
  std::string url_;
  std::shared_ptr<const http::AddressGuard> guard_;
  std::shared_ptr<oauth::Authorization> authorization_;
  http::Headers headers_;
  std::string version_;
  std::string last_words_;
  std::deque<Outbound> queue_;
  std::size_t queued_bytes_ = 0;
  async::Channel<Inbound> inbound_{kInboundMessagesMax};
  async::TaskGroup tasks_;
};

[[nodiscard]] bool is_success(int status);
[[nodiscard]] bool is_event_stream(const http::BodyStream& response);
// Events of other types, and those without data, carry no message.
[[nodiscard]] bool is_message(const http::SseEvent& event);
// Denied for 401 and 403, else Unavailable: the status came with no MCP message.
[[nodiscard]] Error status_error(int status);
// Reads a body that says nothing, so that its connection can be used again; a long or broken one is
// left.
async::Plain<void> read_off(http::BodyStream* response);
// What the server's name may resolve to. Errors: Invalid (no CIDR range).
[[nodiscard]] Result<std::shared_ptr<const http::AddressGuard>> guard_of(const ServerConfig& server
);
// Errors: Invalid (this version cannot authenticate that way).
[[nodiscard]] Result<void> check_auth_type(const ServerConfig& server);
// Null for servers without auth_type oauth. Errors: Invalid, Unavailable, Deadline.
Async<std::shared_ptr<oauth::Authorization>> authorization_of(
    ClientLinkDeps deps, const ServerConfig* server
);

}  // namespace sluice::mcp_connector
