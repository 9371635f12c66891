#include "services/provider-router/domain/error_kind.h"

#include "services/provider-router/domain/error_text.h"
#include "services/provider-router/domain/retry_after.h"
#include "services/provider-router/limits.h"

#include "common/json/write.h"

#include <algorithm>
#include <array>

namespace sluice::provider_router {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

// Providers that answer 400 (or 404) for what others give a status or code of its own. Only the
// kind is read from text; whether to try again follows from the status. Source: providers.md 12.6.
ErrorKind kind_of_client_fault(const ErrorText& text) {
  const std::string code = lower(text.code);
  const std::string type = lower(text.type);
  const std::string message = lower(text.message);
  if (code == "tool_use_failed") {
    return ErrorKind::ToolUseFailed;
  }
  if (code == "content_filter" || code == "content_policy_violation" || type == "content_filter") {
    return ErrorKind::ContentFilter;
  }
  if (code == "context_length_exceeded" || type == "too_many_prompt_tokens" ||
      has_any(
          message,
          {"prompt is too long",
           "maximum context length",
           "context length exceeded",
           "exceeds the maximum number of tokens"}
      )) {
    return ErrorKind::ContextLength;
  }
  if (code == "invalid_api_key" || code == "api_key_invalid" ||
      has_any(message, {"incorrect api key", "api key not valid"})) {
    return ErrorKind::Auth;
  }
  if (code == "model_not_found") {
    return ErrorKind::NotFound;
  }
  return ErrorKind::InvalidRequest;
}

ErrorKind kind_of_status(int status, const ErrorText& text) {
  switch (status) {
    case 401:
      return ErrorKind::Auth;
    case 402:
      return ErrorKind::Billing;
    case 403:
      return ErrorKind::Permission;
    case 404:
      return ErrorKind::NotFound;
    case 408:
    case 504:
      return ErrorKind::Timeout;
    case 429:
      return text.code == "insufficient_quota" || text.type == "insufficient_quota"
                 ? ErrorKind::Billing
                 : ErrorKind::RateLimit;
    case 503:
    case 529:
      return ErrorKind::Overloaded;
    default:
      break;
  }
  const bool client_fault = status >= 400 && status < 500 && status != 409 && status != 425;
  return client_fault ? kind_of_client_fault(text) : ErrorKind::Upstream;
}

// Kind of an error object that came without a status of its own.
ErrorKind kind_of_type(const ErrorText& text) {
  struct Row {
    std::string_view type;
    ErrorKind kind;
  };

  constexpr std::array kRows{
      Row{"invalid_request_error", ErrorKind::InvalidRequest},
      Row{"authentication_error", ErrorKind::Auth},
      Row{"billing_error", ErrorKind::Billing},
      Row{"permission_error", ErrorKind::Permission},
      Row{"not_found_error", ErrorKind::NotFound},
      Row{"request_too_large", ErrorKind::ContextLength},
      Row{"rate_limit_error", ErrorKind::RateLimit},
      Row{"overloaded_error", ErrorKind::Overloaded},
      Row{"timeout_error", ErrorKind::Timeout},
  };
  const ErrorKind by_text = kind_of_client_fault(text);
  if (by_text != ErrorKind::InvalidRequest) {
    return by_text;
  }
  for (const Row& row : kRows) {
    if (text.type == row.type) {
      return row.kind;
    }
  }
  int status = 0;
  for (const char c : text.code) {
    if (c < '0' || c > '9' || status > 99) {
      return ErrorKind::Upstream;
    }
    status = status * 10 + (c - '0');
  }
  return status >= 400 ? kind_of_status(status, text) : ErrorKind::Upstream;
}

bool retryable_status(int status) {
  constexpr std::array kRetryable{408, 409, 425, 429, 500, 502, 503, 504, 529};
  return std::find(kRetryable.begin(), kRetryable.end(), status) != kRetryable.end();
}

bool client_may_fix(ErrorKind kind) {
  return kind == ErrorKind::InvalidRequest || kind == ErrorKind::ContextLength ||
         kind == ErrorKind::ContentFilter || kind == ErrorKind::ToolUseFailed ||
         kind == ErrorKind::NotFound;
}

std::string message_of(ErrorKind kind, std::string_view provider, const std::string& said) {
  const std::string name = "provider \"" + std::string(provider) + "\"";
  switch (kind) {
    case ErrorKind::InvalidRequest:
    case ErrorKind::ContextLength:
    case ErrorKind::ContentFilter:
    case ErrorKind::ToolUseFailed:
    case ErrorKind::NotFound:
      return said;
    case ErrorKind::Auth:
    case ErrorKind::Permission:
      return name +
             " refused the gateway's own key (your key is fine); ask the operator to check "
             "providers." +
             std::string(provider) + ".keys";
    case ErrorKind::Billing:
      return name +
             " says the gateway's account has no credit or quota left; ask the operator, or use "
             "another provider";
    case ErrorKind::RateLimit:
      return name + " limits the rate of requests; retry later. It said: " + said;
    case ErrorKind::Overloaded:
      return name + " is overloaded; retry later or use another provider. It said: " + said;
    case ErrorKind::Timeout:
      return name + " took too long; retry, or allow more time. It said: " + said;
    case ErrorKind::Upstream:
      return name + " failed; retry later or use another provider. It said: " + said;
  }
  SLUICE_UNREACHABLE("all kinds have a message");
}

Failure make_failure(ErrorKind kind, std::string_view provider, ErrorText text) {
  Failure failure;
  failure.kind = kind;
  failure.detail = without_credentials(text.message);
  failure.message = message_of(kind, provider, failure.detail);
  if (client_may_fix(kind)) {
    failure.type = without_credentials(text.type);
    failure.code = without_credentials(text.code);
    failure.param = without_credentials(text.param);
  }
  return failure;
}

bool looks_secret(std::string_view word) {
  constexpr std::array<std::string_view, 11> kPrefixes{
      "sk-", "sk_", "org-", "org_", "proj_", "gsk_", "xai-", "pplx-", "hf_", "AIza", "Bearer:"
  };
  return word.size() > 8 &&
         std::any_of(kPrefixes.begin(), kPrefixes.end(), [word](std::string_view prefix) {
           return word.starts_with(prefix);
         });
}

}  // namespace

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidRequest:
      return "invalid_request";
    case ErrorKind::ContextLength:
      return "context_length";
    case ErrorKind::ContentFilter:
      return "content_filter";
    case ErrorKind::ToolUseFailed:
      return "tool_use_failed";
    case ErrorKind::NotFound:
      return "not_found";
    case ErrorKind::Auth:
      return "auth";
    case ErrorKind::Permission:
      return "permission";
    case ErrorKind::Billing:
      return "billing";
    case ErrorKind::RateLimit:
      return "rate_limit";
    case ErrorKind::Overloaded:
      return "overloaded";
    case ErrorKind::Timeout:
      return "timeout";
    case ErrorKind::Upstream:
      return "upstream";
  }
  SLUICE_UNREACHABLE("all kinds are named");
}

Code code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidRequest:
    case ErrorKind::ContextLength:
    case ErrorKind::ContentFilter:
    case ErrorKind::ToolUseFailed:
      return Code::Invalid;
    case ErrorKind::NotFound:
      return Code::NotFound;
    case ErrorKind::RateLimit:
      return Code::Exhausted;
    case ErrorKind::Timeout:
      return Code::Deadline;
    case ErrorKind::Auth:
    case ErrorKind::Permission:
    case ErrorKind::Billing:
    case ErrorKind::Overloaded:
    case ErrorKind::Upstream:
      return Code::Unavailable;
  }
  SLUICE_UNREACHABLE("all kinds have a code");
}

int status_of(const Failure& failure) {
  switch (failure.kind) {
    case ErrorKind::InvalidRequest:
      return failure.upstream_status == 413 || failure.upstream_status == 422
                 ? failure.upstream_status
                 : 400;
    case ErrorKind::ContextLength:
    case ErrorKind::ContentFilter:
    case ErrorKind::ToolUseFailed:
      return 400;
    case ErrorKind::NotFound:
      return 404;
    case ErrorKind::RateLimit:
      return 429;
    case ErrorKind::Overloaded:
      return 503;
    case ErrorKind::Timeout:
      return 504;
    case ErrorKind::Auth:
    case ErrorKind::Permission:
    case ErrorKind::Billing:
    case ErrorKind::Upstream:
      return 502;
  }
  SLUICE_UNREACHABLE("all kinds have a status");
}

std::string error_body(const Failure& failure) {
  std::string type = failure.type;
  if (type.empty()) {
    type = client_may_fix(failure.kind)           ? "invalid_request_error"
           : failure.kind == ErrorKind::RateLimit ? "rate_limit_error"
                                                  : "upstream_error";
  }
  const std::string code = !failure.code.empty() ? failure.code
                           : failure.kind == ErrorKind::ContextLength
                               ? "context_length_exceeded"
                               : std::string(name_of(failure.kind));
  std::string body = "{\"error\":{\"message\":";
  json::append_quoted(body, failure.message);
  body += ",\"type\":";
  json::append_quoted(body, type);
  body += ",\"param\":";
  if (failure.param.empty()) {
    body += "null";
  } else {
    json::append_quoted(body, failure.param);
  }
  body += ",\"code\":";
  json::append_quoted(body, code);
  body += "}}";
  return body;
}

Failure failure_of_answer(
    std::string_view provider,
    int status,
    const http::Headers& headers,
    std::string_view body,
    std::int64_t now_unix_s
) {
  ErrorText text = read_error_text(body.substr(0, kErrorBytesMax));
  const bool success_status = status >= 200 && status < 300;
  const ErrorKind kind = success_status ? kind_of_type(text) : kind_of_status(status, text);
  Failure failure = make_failure(kind, provider, std::move(text));
  failure.upstream_status = status;
  failure.retryable = retryable_status(status) && kind != ErrorKind::Billing;
  const std::string_view told = headers.get("x-should-retry");
  if (told == "true" || told == "false") {
    failure.retryable = told == "true";
  }
  failure.retry_after = retry_after_of(headers, now_unix_s);
  const std::string_view id =
      headers.has("x-request-id") ? headers.get("x-request-id") : headers.get("request-id");
  failure.upstream_request_id = without_credentials(id);
  return failure;
}

Failure failure_of_event(std::string_view provider, std::string_view data) {
  ErrorText text = read_error_text(data.substr(0, kErrorBytesMax));
  const ErrorKind kind = kind_of_type(text);
  Failure failure = make_failure(kind, provider, std::move(text));
  failure.upstream_status = 200;
  failure.retryable = kind == ErrorKind::RateLimit || kind == ErrorKind::Overloaded ||
                      kind == ErrorKind::Upstream || kind == ErrorKind::Timeout;
  return failure;
}

Failure failure_of_error(std::string_view provider, const Error& error) {
  const bool timeout = error.code() == Code::Deadline;
  const bool full = error.code() == Code::Exhausted;
  const ErrorKind kind = timeout ? ErrorKind::Timeout
                         : full  ? ErrorKind::Overloaded
                                 : ErrorKind::Upstream;
  Failure failure = make_failure(kind, provider, {error.message(), {}, {}, {}});
  failure.detail = without_credentials(error.to_log());
  failure.retryable = error.code() == Code::Unavailable || full;
  return failure;
}

Failure broken_answer(std::string_view provider, std::string_view what) {
  Failure failure = make_failure(ErrorKind::Upstream, provider, {std::string(what), {}, {}, {}});
  failure.retryable = true;
  return failure;
}

std::string without_credentials(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size() && out.size() < kErrorTextBytesMax) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n,;\"'`()[]{}<>", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    out += looks_secret(word) ? std::string_view("[hidden]") : word;
    if (end < text.size()) {
      out.push_back(text[end]);
    }
    at = end + 1;
  }
  if (out.size() > kErrorTextBytesMax) {
    std::size_t cut = kErrorTextBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xc0U) == 0x80U) {
      --cut;
    }
    out.resize(cut);
  }
  return out;
}

}  // namespace sluice::provider_router
