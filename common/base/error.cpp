#include "common/base/error.h"

#include "common/base/check.h"

#include <utility>

namespace sluice {

struct Error::Body {
  Code code;
  std::string message;
  std::string detail;
  std::optional<std::chrono::milliseconds> retry_after;
  std::source_location where;
};

void Error::Deleter::operator()(Body* body) const {
  delete body;  // NOLINT: paired with the constructor; the incomplete type forbids default_delete
}

Error::Error(Code code, std::string message, std::source_location where)
    : body_(std::make_unique<Body>(Body{code, std::move(message), {}, {}, where}).release()) {}

Error::Error(const Error& other)
    : body_(other.body_ ? std::make_unique<Body>(*other.body_).release() : nullptr) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) {
    body_.reset(other.body_ ? std::make_unique<Body>(*other.body_).release() : nullptr);
  }
  return *this;
}

Code Error::code() const {
  return body_->code;
}

const std::string& Error::message() const {
  return body_->message;
}

const std::string& Error::detail() const {
  return body_->detail;
}

std::optional<std::chrono::milliseconds> Error::retry_after() const {
  return body_->retry_after;
}

const std::source_location& Error::where() const {
  return body_->where;
}

Error Error::with_detail(std::string_view detail) && {
  if (!body_->detail.empty()) {
    body_->detail += "; ";
  }
  body_->detail += detail;
  return std::move(*this);
}

Error Error::with_retry_after(std::chrono::milliseconds wait) && {
  body_->retry_after = wait;
  return std::move(*this);
}

Error Error::while_doing(std::string_view what) && {
  return std::move(*this).with_detail(std::string("while ").append(what));
}

Error Error::as(Code code) && {
  body_->code = code;
  return std::move(*this);
}

std::string Error::to_log() const {
  std::string out(name_of(body_->code));
  out += ": " + body_->message;
  if (!body_->detail.empty()) {
    out += " [" + body_->detail + "]";
  }
  const std::string_view path(body_->where.file_name());
  out += " (" + std::string(path.substr(path.rfind('/') + 1)) + ":" +
         std::to_string(body_->where.line()) + ")";
  return out;
}

std::string_view name_of(Code code) {
  switch (code) {
    case Code::Invalid:
      return "Invalid";
    case Code::Unauthenticated:
      return "Unauthenticated";
    case Code::Denied:
      return "Denied";
    case Code::NotFound:
      return "NotFound";
    case Code::Conflict:
      return "Conflict";
    case Code::Exhausted:
      return "Exhausted";
    case Code::Unavailable:
      return "Unavailable";
    case Code::Deadline:
      return "Deadline";
    case Code::Cancelled:
      return "Cancelled";
    case Code::Internal:
      return "Internal";
  }
  SLUICE_UNREACHABLE("the switch names every code");
}

}  // namespace sluice
