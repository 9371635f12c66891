#include "services/ingress/domain/mcp_request.h"

#include "services/ingress/domain/virtual_servers.h"
#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/random.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/param_headers.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <array>

namespace sluice::ingress {
namespace {

constexpr std::size_t kSessionBytes = 16;
constexpr char kSessionSeparator = '.';
constexpr std::array<std::string_view, 3> kLoopbackHosts{"localhost", "127.0.0.1", "[::1]"};

McpRefusal invalid(int code, std::string message) {
  return {.status = 400, .error = {.code = code, .message = std::move(message), .data = {}}};
}

McpRefusal mismatch(std::string_view header, std::string_view body) {
  return invalid(
      mcp::kHeaderMismatch,
      "header " + std::string(header) + " is missing or differs from " + std::string(body) +
          " in the body; send both with the same value"
  );
}

McpRefusal unsupported_version(std::string_view requested) {
  json::Array supported;
  for (const std::string_view version : mcp::kModernVersions) {
    supported.emplace_back(version);
  }
  McpRefusal refusal = invalid(
      mcp::kUnsupportedProtocolVersion,
      "this protocol version is not spoken here; use one of data.supported"
  );
  refusal.error.data = json::write(json::object(
      {{"supported", json::Value(std::move(supported))}, {"requested", json::Value(requested)}}
  ));
  return refusal;
}

// Whether two header values say the same: numbers as numbers ("7.0" is 7), all else as text.
bool same_value(std::string_view a, std::string_view b) {
  const auto text_a = mcp::text_of_header(a);
  const auto text_b = mcp::text_of_header(b);
  if (!text_a.ok() || !text_b.ok()) {
    return false;
  }
  const auto number_a = json::parse(text_a.value());
  const auto number_b = json::parse(text_b.value());
  if (number_a.ok() && number_b.ok() && number_a.value().is_number() &&
      number_b.value().is_number()) {
    return number_a.value().as_double() == number_b.value().as_double();
  }
  return text_a.value() == text_b.value();
}

const json::Value* meta_of(const json::Value& params, std::string_view key) {
  const json::Value* meta = params.find("_meta");
  return meta == nullptr ? nullptr : meta->find(key);
}

// Scheme and port taken off; "" when it is no http(s) origin.
std::string_view host_of_origin(std::string_view origin) {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos ||
      (origin.substr(0, scheme_end) != "http" && origin.substr(0, scheme_end) != "https")) {
    return {};
  }
  const std::string_view rest = origin.substr(scheme_end + 3);
  const auto bracket = rest.find(']');  // of an IPv6 address, whose colons are no port
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return rest.substr(0, colon);
}

// Errors: Invalid (a declaration breaks the rules).
Result<std::vector<mcp::ParamHeader>> declared_headers(std::string_view definition) {
  const auto tool = definition.find("x-mcp-header") == std::string_view::npos
                        ? Result<json::Value>(json::Value())
                        : json::parse(definition);
  const json::Value* const schema = tool.ok() ? tool.value().find("inputSchema") : nullptr;
  return schema == nullptr ? Result<std::vector<mcp::ParamHeader>>({})
                           : mcp::param_headers_of(*schema);
}

}  // namespace

bool is_allowed_origin(const http::Headers& headers, const std::vector<std::string>& allowed) {
  if (!headers.has("origin")) {
    return true;
  }
  const std::string_view origin = headers.get("origin");
  if (headers.count("origin") > 1) {
    return false;
  }
  const std::string_view host = host_of_origin(origin);
  return std::find(kLoopbackHosts.begin(), kLoopbackHosts.end(), host) != kLoopbackHosts.end() ||
         std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

std::optional<McpRefusal> refuse_accept(const http::Headers& headers) {
  const std::string_view accept = headers.get("accept");
  const auto takes = [accept](std::string_view type) {
    return accept.find(type) != std::string_view::npos;
  };
  if (takes("*/*") || (takes("application/json") && takes("text/event-stream"))) {
    return std::nullopt;
  }
  McpRefusal refusal = invalid(
      mcp::kInvalidRequest,
      "the answer is JSON or an event stream; send Accept: application/json, text/event-stream"
  );
  refusal.status = 406;
  return refusal;
}

McpEra era_of(const http::Headers& headers, const std::vector<mcp::Message>& messages) {
  const std::string_view version = headers.get(mcp::kVersionHeader);
  if (mcp::is_modern_version(version)) {
    return McpEra::Modern;
  }
  const bool says_version = std::any_of(messages.begin(), messages.end(), [](const auto& message) {
    const auto params = params_of(message);
    return params.ok() && meta_of(params.value(), mcp::kMetaProtocolVersion) != nullptr;
  });
  return says_version ? McpEra::Modern : McpEra::Legacy;
}

std::optional<McpRefusal> refuse_modern(const http::Headers& headers, const mcp::Message& message) {
  const auto params = params_of(message);
  if (!params.ok()) {
    return invalid(mcp::kInvalidParams, params.error().message());
  }
  const json::Value* version = meta_of(params.value(), mcp::kMetaProtocolVersion);
  const json::Value* capabilities = meta_of(params.value(), mcp::kMetaClientCapabilities);
  if (version == nullptr || version->as_string() == nullptr || capabilities == nullptr ||
      !capabilities->is_object()) {
    return invalid(
        mcp::kInvalidParams,
        "params._meta needs " + std::string(mcp::kMetaProtocolVersion) + " (text) and " +
            std::string(mcp::kMetaClientCapabilities) + " (object); send both with every request"
    );
  }
  if (headers.get(mcp::kVersionHeader) != *version->as_string()) {
    return mismatch("MCP-Protocol-Version", mcp::kMetaProtocolVersion);
  }
  if (!mcp::is_modern_version(*version->as_string())) {
    return unsupported_version(*version->as_string());
  }
  const auto method = mcp::text_of_header(headers.get(mcp::kMethodHeader));
  if (!method.ok() || method.value() != message.method) {
    return mismatch("Mcp-Method", "method");
  }
  if (const std::string_view member = mcp::named_member(message.method); !member.empty()) {
    const auto name = mcp::text_of_header(headers.get(mcp::kNameHeader));
    if (!headers.has(mcp::kNameHeader) || !name.ok() ||
        name.value() != params.value().text_or(member, "")) {
      return mismatch("Mcp-Name", "params." + std::string(member));
    }
  }
  return std::nullopt;
}

std::optional<mcp::RpcError> refuse_param_headers(
    const http::Headers& headers, std::string_view definition, std::string_view arguments
) {
  const auto declared = declared_headers(definition);
  if (declared.ok() && declared.value().empty()) {
    return std::nullopt;
  }
  const auto expected = declared.ok() ? mcp::param_header_values(declared.value(), arguments)
                                      : Result<mcp::HeaderList>(declared.error());
  if (!expected.ok()) {
    return std::nullopt;  // a declaration that breaks the rules binds nobody
  }
  for (const mcp::ParamHeader& header : declared.value()) {
    const auto value = std::find_if(
        expected.value().begin(),
        expected.value().end(),
        [&header](const auto& field) { return field.first == header.name; }
    );
    const bool wanted = value != expected.value().end();
    if (headers.has(header.name) != wanted ||
        (wanted && !same_value(headers.get(header.name), value->second))) {
      return mismatch(header.name, "params.arguments").error;
    }
  }
  return std::nullopt;
}

bool declares_headers_well(std::string_view definition) {
  return declared_headers(definition).ok();
}

std::optional<McpRefusal> refuse_legacy(const http::Headers& headers) {
  const std::string_view version = headers.get(mcp::kVersionHeader);
  if (version.empty() || mcp::is_legacy_version(version)) {
    return std::nullopt;
  }
  return unsupported_version(version);
}

Result<json::Value> params_of(const mcp::Message& message) {
  if (message.params.empty()) {
    return json::Value(json::Object());
  }
  SLUICE_TRY(
      json::Value params,
      json::parse(message.params, {.depth_max = kBodyDepthMax, .bytes_max = kBodyBytesMax})
  );
  if (!params.is_object()) {
    return Error(Code::Invalid, "params is not an object; send one, or leave it out");
  }
  return params;
}

std::optional<json::Value> progress_token_of(const json::Value& params) {
  const json::Value* token = meta_of(params, "progressToken");
  if (token == nullptr || (!token->is_string() && !token->as_int())) {
    return std::nullopt;
  }
  return *token;
}

std::string negotiated_version(const json::Value& params) {
  std::string asked = params.text_or("protocolVersion", "");
  return mcp::is_legacy_version(asked) ? asked : std::string(mcp::kLegacyVersions.front());
}

std::string new_session_id(std::string_view version, std::string_view path) {
  std::string session =
      std::string(version) + kSessionSeparator + to_hex(crypto::random_bytes(kSessionBytes));
  if (const std::string_view slug = slug_of(path); !slug.empty()) {
    session.append(1, kSessionSeparator).append(slug);
  }
  return session;
}

bool is_session_at(std::string_view path, std::string_view session) {
  const auto first = session.find(kSessionSeparator);
  const auto last = session.rfind(kSessionSeparator);
  return slug_of(path) == (first == last ? std::string_view() : session.substr(last + 1));
}

std::string_view version_of_session(std::string_view session) {
  const std::string_view version = session.substr(0, session.find(kSessionSeparator));
  const std::size_t own_size = version.size() + 1 + 2 * kSessionBytes;
  const bool whole = session.size() == own_size ||
                     (session.size() > own_size && session[own_size] == kSessionSeparator);
  return whole && mcp::is_legacy_version(version) ? version : std::string_view();
}

}  // namespace sluice::ingress
