#include "services/provider-router/domain/error_text.h"

#include "services/provider-router/limits.h"

#include "common/base/bytes.h"
#include "common/json/parse.h"
#include "common/json/write.h"

namespace sluice::provider_router {
namespace {

// A scalar member as text: providers send codes as strings and as numbers.
std::string scalar(const json::Value& value, std::string_view key) {
  const json::Value* found = value.find(key);
  if (found == nullptr) {
    return {};
  }
  if (const std::string* text = found->as_string()) {
    return *text;
  }
  if (const json::Number* number = found->as_number()) {
    return number->text;
  }
  return {};
}

ErrorText members_of(const json::Value& error) {
  return {
      scalar(error, "message"), scalar(error, "type"), scalar(error, "code"), scalar(error, "param")
  };
}

std::string detail_text(const json::Value& detail) {
  if (const std::string* text = detail.as_string()) {
    return *text;
  }
  std::string joined;
  if (const json::Array* items = detail.as_array()) {
    for (const json::Value& item : *items) {
      joined += (joined.empty() ? "" : "; ") + item.text_or("msg", "");
    }
  }
  return joined;
}

ErrorText read_json(const json::Value& body) {
  if (const json::Array* items = body.as_array(); items != nullptr && !items->empty()) {
    return read_json(items->front());
  }
  const json::Value* error = body.find("error");
  if (error != nullptr && error->is_object()) {
    return members_of(*error);
  }
  ErrorText text = members_of(body);
  if (error != nullptr && error->is_string()) {
    text.message = *error->as_string();
    if (text.type.empty()) {
      text.type = scalar(body, "error_type");
    }
  }
  if (const json::Value* detail = body.find("detail"); detail != nullptr && text.message.empty()) {
    text.message = detail_text(*detail);
  }
  return text;
}

std::string plain_text(std::string_view body) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return {};
  }
  if (body[begin] == '<') {
    return "the answer was a page of HTML, perhaps from a proxy in between";
  }
  std::string text(body.substr(begin, kErrorTextBytesMax));
  return is_utf8(text) ? text : std::string("the answer was not text");
}

}  // namespace

ErrorText read_error_text(std::string_view body) {
  const auto parsed = json::parse(body);
  ErrorText text;
  if (parsed.ok()) {
    text = read_json(parsed.value());
  } else {
    text.message = plain_text(body);
  }
  if (text.message.empty()) {
    text.message = "the provider gave no reason";
  }
  return text;
}

}  // namespace sluice::provider_router
