#include "common/http/error_map.h"

#include "common/async/retry.h"
#include "common/json/write.h"

#include <chrono>

namespace sluice::http {
namespace {

struct Names {
  int status;
  std::string_view code;       // in OpenAI's "code"
  std::string_view openai;     // "type"
  std::string_view anthropic;  // "type"
  int json_rpc;
};

// One row a code, in the order of Code. OpenAI's and Anthropic's words as in their error pages;
// JSON-RPC's numbers lie outside the ranges that JSON-RPC and MCP reserve, but for the two that
// mean the same there.
Names names_of(Code code) {
  switch (code) {
    case Code::Invalid:
      return {400, "invalid_request", "invalid_request_error", "invalid_request_error", -32602};
    case Code::Unauthenticated:
      return {401, "invalid_api_key", "authentication_error", "authentication_error", 1401};
    case Code::Denied:
      return {403, "permission_denied", "permission_error", "permission_error", 1403};
    case Code::NotFound:
      return {404, "not_found", "not_found_error", "not_found_error", -32602};
    case Code::Conflict:
      return {409, "conflict", "conflict_error", "invalid_request_error", 1409};
    case Code::Exhausted:
      return {429, "rate_limit_exceeded", "rate_limit_error", "rate_limit_error", 1429};
    case Code::Unavailable:
      return {503, "unavailable", "server_error", "overloaded_error", 1503};
    case Code::Deadline:
      return {504, "timeout", "timeout_error", "timeout_error", 1504};
    case Code::Cancelled:
      return {499, "cancelled", "invalid_request_error", "invalid_request_error", 1499};
    case Code::Internal:
      return {500, "internal_error", "server_error", "api_error", -32603};
  }
  SLUICE_UNREACHABLE("every code has a row");
}

// Statuses this layer answers by itself.
Names names_of_refusal(int status) {
  Names names = names_of(Code::Invalid);
  names.status = status;
  names.json_rpc = -32600;
  switch (status) {
    case 403:
      names = names_of(Code::Denied);
      break;
    case 404:
      names = names_of(Code::NotFound);
      names.json_rpc = -32601;
      break;
    case 405:
      names.code = "method_not_allowed";
      break;
    case 408:
      names.code = "request_timeout";
      break;
    case 413:
      names.code = "request_too_large";
      names.anthropic = "request_too_large";
      break;
    case 415:
      names.code = "unsupported_media_type";
      break;
    case 503:
      names = names_of(Code::Unavailable);
      break;
    default:
      break;
  }
  return names;
}

std::string write_body(const Names& names, std::string_view message, Dialect dialect) {
  std::string out;
  out.reserve(message.size() + 128);
  switch (dialect) {
    case Dialect::OpenAi:
      out = R"({"error":{"message":)";
      json::append_quoted(out, message);
      out.append(R"(,"type":")").append(names.openai);
      out.append(R"(","param":null,"code":")").append(names.code).append(R"("}})");
      break;
    case Dialect::Anthropic:
      out = R"({"type":"error","error":{"type":")";
      out.append(names.anthropic).append(R"(","message":)");
      json::append_quoted(out, message);
      out.append("}}");
      break;
    case Dialect::JsonRpc:
      out = R"({"jsonrpc":"2.0","id":null,"error":{"code":)";
      out.append(std::to_string(names.json_rpc)).append(R"(,"message":)");
      json::append_quoted(out, message);
      out.append("}}");
      break;
    case Dialect::Plain:
      out.append(message).push_back('\n');
      break;
  }
  return out;
}

HttpResponse write_response(const Names& names, std::string_view message, Dialect dialect) {
  HttpResponse response;
  response.status = names.status;
  response.headers.add(
      "content-type", dialect == Dialect::Plain ? "text/plain; charset=utf-8" : "application/json"
  );
  response.body = write_body(names, message, dialect);
  return response;
}

}  // namespace

int status_of(Code code) {
  return names_of(code).status;
}

std::string error_body(const Error& error, Dialect dialect) {
  return write_body(names_of(error.code()), error.message(), dialect);
}

HttpResponse error_response(const Error& error, Dialect dialect) {
  HttpResponse response = write_response(names_of(error.code()), error.message(), dialect);
  if (!async::is_retryable(error.code())) {
    response.headers.add(
        "x-should-retry", "false"
    );  // OpenAI's and Anthropic's SDKs retry 409 and 5xx by themselves
  }
  if (const auto wait = error.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait);
    response.headers.add("retry-after", std::to_string(seconds.count()));
    response.headers.add("retry-after-ms", std::to_string(wait->count()));
  }
  return response;
}

HttpResponse refusal_response(int status, std::string_view message, Dialect dialect) {
  HttpResponse response = write_response(names_of_refusal(status), message, dialect);
  if (status != 408 && status != 503) {
    response.headers.add("x-should-retry", "false");
  }
  return response;
}

}  // namespace sluice::http
