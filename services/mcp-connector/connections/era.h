// Era: how the requests of a conversation look on the wire, and what their results mean. The
// legacy era has a handshake and ping; the modern one says version and client in each request and
// repeats parts of it as HTTP headers.
#pragma once

#include "services/mcp-connector/domain/outcome.h"
#include "services/mcp-connector/ports.h"

#include "common/mcp/modern_messages.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::mcp_connector {

// What the gateway calls itself towards servers.
[[nodiscard]] const mcp::Implementation& this_client();

// What goes with a request that somebody made under a grant.
struct ForCaller {
  std::string capabilities = "{}";  // what the server may ask of the caller, a JSON object
  std::string log_level;            // lowest one the caller wants to hear; empty: none
  std::string input;                // members of params: answers to what the server asked before
  // A question that it did not declare ends its request (modern era), instead of being refused to
  // the server alone.
  bool ends_when_lacking = false;

  [[nodiscard]] bool may_be_asked() const { return capabilities != "{}"; }
};

// A request before an era gave it its form.
struct Request {
  std::string method;
  std::string params;             // raw JSON object without _meta; empty: none
  std::string name;               // of what it is for, where Mcp-Name repeats one
  mcp::HeaderList param_headers;  // arguments that are repeated
  bool progress = false;          // wanted
  std::optional<ForCaller> caller;
};

class Era {
 public:
  virtual ~Era() = default;
  // To be sent under this id. The caller says until when an answer is awaited.
  [[nodiscard]] virtual ServerLink::Outbound form(std::int64_t id, const Request& request)
      const = 0;
  // What the server answered, as the caller may take it.
  [[nodiscard]] virtual Answer read(Answer answer) const = 0;
  // The cheapest request that every server of the conversation answers; empty: tools/list.
  [[nodiscard]] virtual std::string_view health_method() const = 0;
  // Whether a server asks by requests of its own, and says by itself what it does. Otherwise its
  // results ask, and each request says what it may say.
  [[nodiscard]] virtual bool server_may_ask() const = 0;
};

[[nodiscard]] std::unique_ptr<Era> legacy_era();

enum class Discovered { No, Yes };

// discovered: whether the server has answered server/discover, which it need not know.
[[nodiscard]] std::unique_ptr<Era> modern_era(std::string version, Discovered discovered);

}  // namespace sluice::mcp_connector
