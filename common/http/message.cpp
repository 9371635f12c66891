#include "common/http/message.h"

#include "common/http/internal/text.h"

#include <algorithm>

namespace sluice::http {
namespace {

constexpr ByteSet kTokenBytes(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
);

}  // namespace

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [name](const auto& field) {
    return equals_ignoring_case(field.first, name);
  });
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (equals_ignoring_case(key, name)) {
      return value;
    }
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return count(name) > 0;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(),
      fields_.end(),
      [name](const auto& field) { return equals_ignoring_case(field.first, name); }
  ));
}

bool is_token(std::string_view text) {
  return !text.empty() && kTokenBytes.has_all(text);
}

bool has_media_type(const Headers& headers, std::string_view type) {
  const std::string_view given = headers.get("content-type");
  return equals_ignoring_case(trim(given.substr(0, given.find(';'))), type);
}

}  // namespace sluice::http
