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
};

class ModernEra final : public Era {
 public:
  ModernEra(std::string version, Discovered discovered)
      : version_(std::move(version)),
        meta_(mcp::modern_meta(version_, this_client())),
        discovered_(discovered) {}

  [[nodiscard]] ServerLink::Outbound form(std::int64_t id, const Request& request) const override {
    const std::string meta = request.progress ? meta_ + ',' + mcp::progress_meta(id) : meta_;
    auto headers = mcp::modern_headers(version_, request.method, request.name);
    headers.insert(headers.end(), request.param_headers.begin(), request.param_headers.end());
    return {
        .message =
            mcp::make_request(mcp::RpcId(id), request.method, mcp::with_meta(request.params, meta)),
        .headers = std::move(headers),
        .request = id,
        .answer_by = {}
    };
  }

  // Only a complete result is one: the server may ask back instead, or mean an extension.
  [[nodiscard]] Answer read(Answer answer) const override {
    if (!answer.error.empty()) {
      return answer;
    }
    const auto type = mcp::result_type_of(answer.result);
    if (type.ok() && type.value() == "complete") {
      return answer;
    }
    const bool asks = type.ok() && type.value() == "input_required";
    return {
        .result = {},
        .error = mcp::to_json(mcp::RpcError{
            .code = mcp::kInternalError,
            .message = asks ? "the MCP server asks for more input, which this gateway cannot give "
                              "yet; call it with everything it needs, or use another tool"
                            : "the MCP server answers with a kind of result that this gateway does "
                              "not know; use another tool",
            .data = {}
        })
    };
  }

  [[nodiscard]] std::string_view health_method() const override {
    return discovered_ == Discovered::Yes ? mcp::kDiscover : std::string_view();
  }

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
