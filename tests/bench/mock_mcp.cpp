#include "tests/bench/mock_mcp.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kSchema =
    R"("inputSchema":{"type":"object","properties":{"message":{"type":"string"}},"required":["message"]})";

// What stands between the first `begin` and the next of `ends`; "" without it.
std::string_view between(std::string_view text, std::string_view begin, std::string_view ends) {
  const auto found = text.find(begin);
  if (found == std::string_view::npos) {
    return {};
  }
  const auto start = found + begin.size();
  return text.substr(start, text.find_first_of(ends, start) - start);
}

std::string response(std::string_view status, const std::string& body) {
  std::string out = "HTTP/1.1 " + std::string(status) + "\r\n";
  out.append(body.empty() ? "" : "Content-Type: application/json\r\n");
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string result_of(std::string_view method, std::string_view message) {
  if (method == "tools/call") {
    return R"({"content":[{"type":"text","text":")" +
           std::string(between(message, R"("message":")", "\"")) + R"("}],"isError":false})";
  }
  if (method == "tools/list") {
    return R"({"tools":[{"name":"echo",)" + std::string(kSchema) + R"(},{"name":"write",)" +
           std::string(kSchema) + "}]}";
  }
  if (method == "initialize") {
    return R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"mock","version":"1"}})";
  }
  return "{}";  // ping
}

}  // namespace

bool is_mcp(std::string_view request) {
  return request.substr(0, request.find('\r')).find(" /mcp ") != std::string_view::npos;
}

std::string mcp_answer(std::string_view request) {
  if (!request.starts_with("POST")) {
    return response("405 Method Not Allowed", {});
  }
  const std::string_view message = request.substr(request.find("\r\n\r\n"));
  const std::string_view id = between(message, R"("id":)", ",}");
  if (id.empty()) {
    return response("202 Accepted", {});  // a notification
  }
  return response(
      "200 OK",
      R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"result":)" +
          result_of(between(message, R"("method":")", "\""), message) + "}"
  );
}

}  // namespace sluice::bench
