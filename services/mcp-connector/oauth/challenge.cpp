#include "services/mcp-connector/oauth/challenge.h"

#include "services/mcp-connector/oauth/limits.h"
#include "services/mcp-connector/oauth/urls.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// Reads the challenges of one field from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<Challenge> bearer() {
    std::optional<Challenge> found;
    std::string scheme;
    while (skip(" \t,"), !rest_.empty()) {
      const std::string_view word = token();
      if (word.empty()) {
        return std::nullopt;
      }
      if (scheme.empty() || !parameter_follows()) {
        if (found) {
          return found;
        }
        scheme = lower(word);
        if (scheme == "bearer") {
          found.emplace();
        }
        skip_token68();
        continue;
      }
      auto value = parameter_value();
      if (!value) {
        return std::nullopt;
      }
      if (found) {
        take(lower(word), std::move(*value), &*found);
      }
    }
    return found;
  }

 private:
  static void take(const std::string& name, std::string value, Challenge* out) {
    if (name == "resource_metadata") {
      out->resource_metadata = parse_url(value) ? std::move(value) : std::string();
    } else if (name == "scope") {
      out->scopes = parse_scopes(value);
    } else if (name == "error") {
      out->error = std::move(value);
    }
  }

  void skip(std::string_view what) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size()));
  }

  std::string_view token() {
    std::size_t length = 0;
    while (length < rest_.size() && http::is_token(rest_.substr(length, 1))) {
      ++length;
    }
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return word;
  }

  // Whether what was read last is the name of a parameter; its '=' is read then.
  bool parameter_follows() {
    const std::string_view before = rest_;
    skip(" \t");
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      skip(" \t");
      return true;
    }
    rest_ = before;
    return false;
  }

  // Credentials without a name, such as those of Negotiate: the word up to the next comma, unless
  // it is the first parameter.
  void skip_token68() {
    skip(" \t");
    const std::size_t end = std::min(rest_.find_first_of(" \t,"), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos ||
        word.find_first_not_of('=', equals) != std::string_view::npos) {
      return;
    }
    std::string_view after = rest_.substr(end);
    after.remove_prefix(std::min(after.find_first_not_of(" \t"), after.size()));
    if (after.empty() || after.starts_with(',')) {
      rest_ = after;
    }
  }

  std::optional<std::string> parameter_value() {
    if (!rest_.starts_with('"')) {
      return std::string(token());
    }
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) {
          return std::nullopt;
        }
      }
      value.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) {
      return std::nullopt;
    }
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<Challenge> bearer_challenge(const http::Headers& headers) {
  for (const auto& [name, value] : headers.fields()) {
    if (lower(name) != "www-authenticate" || value.size() > kChallengeBytesMax) {
      continue;
    }
    if (auto found = Reader(value).bearer()) {
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::mcp_connector::oauth
