#include "services/mcp-connector/connections/era.h"

#include "common/mcp/json_rpc.h"
#include "common/mcp/messages.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

class LegacyEra final : public Era {
 public:
  [[nodiscard]] ServerLink::Outbound form(std::int64_t id, const Request& request) const override {
    const std::string meta = request.progress ? mcp::progress_meta(id) : std::string();
    return {
        .message =
            mcp::make_request(mcp::RpcId(id), request.method, mcp::with_meta(request.params, meta)),
        .headers = {},
        .request = id,
        .answer_by = {}
    };
  }

  [[nodiscard]] Answer read(Answer answer) const override { return answer; }

  [[nodiscard]] std::string_view health_method() const override { return "ping"; }

  [[nodiscard]] bool server_may_ask() const override { return true; }
};

class ModernEra final : public Era {
 public:
  ModernEra(std::string version, Discovered discovered)
      : version_(std::move(version)),
        meta_(mcp::modern_meta(version_, this_client())),
        discovered_(discovered) {}

  [[nodiscard]] ServerLink::Outbound form(std::int64_t id, const Request& request) const override {
    std::string meta =
        request.caller
            ? mcp::modern_meta(
                  version_, this_client(), request.caller->capabilities, request.caller->log_level
              )
            : meta_;
    if (request.progress) {
      meta += ',' + mcp::progress_meta(id);
    }
    const std::string params =
        request.caller ? mcp::with_members(request.params, request.caller->input) : request.params;
    auto headers = mcp::modern_headers(version_, request.method, request.name);
    headers.insert(headers.end(), request.param_headers.begin(), request.param_headers.end());
    return {
        .message = mcp::make_request(mcp::RpcId(id), request.method, mcp::with_meta(params, meta)),
        .headers = std::move(headers),
        .request = id,
        .answer_by = {}
    };
  }

  // Only a complete result is one: the server asks back instead, or means an extension.
  [[nodiscard]] Answer read(Answer answer) const override {
    if (!answer.error.empty()) {
      return answer;
    }
    const auto type = mcp::result_type_of(answer.result);
    if (type.ok() && type.value() == "complete") {
      return answer;
    }
    if (type.ok() && type.value() == "input_required") {
      answer.asks = true;
      return answer;
    }
    return {
        .result = {},
        .error = mcp::to_json(mcp::RpcError{
            .code = mcp::kInternalError,
            .message = "the MCP server answers with a kind of result that this gateway does not "
                       "know; use another tool",
            .data = {}
        })
    };
  }

  [[nodiscard]] std::string_view health_method() const override {
    return discovered_ == Discovered::Yes ? mcp::kDiscover : std::string_view();
  }

  [[nodiscard]] bool server_may_ask() const override { return false; }

 private:
  std::string version_;
  std::string meta_;
  Discovered discovered_;
};

}  // namespace

const mcp::Implementation& this_client() {
  static const mcp::Implementation kClient{.name = "sluice", .version = "1"};
  return kClient;
}

std::unique_ptr<Era> legacy_era() {
  return std::make_unique<LegacyEra>();
}

std::unique_ptr<Era> modern_era(std::string version, Discovered discovered) {
  return std::make_unique<ModernEra>(std::move(version), discovered);
}

}  // namespace sluice::mcp_connector
