#include "common/audit/redact.h"

#include <algorithm>
#include <array>

namespace sluice::audit {
namespace {

constexpr int kNestingMax =
    3;  // JSON in a string in JSON: tool arguments inside a chat body are level 1

constexpr std::array<std::string_view, 16> kSecretParts{
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authorization",
    "credential",
    "cookie",
    "bearer",
    "sessionid",
    "authtoken",
    "accesstoken",
    "refreshtoken"
};
constexpr std::array<std::string_view, 5> kSecretNames{"token", "pwd", "pin", "cvv", "jwt"};

// Beginnings of words that are secrets whatever member they stand in, with the length from which
// they count.
struct Shape {
  std::string_view prefix;
  std::size_t length_min;
};

constexpr std::array<Shape, 16> kShapes{{
    {"sk-", 16},
    {"sk_live_", 16},
    {"sk_test_", 16},
    {"rk_live_", 16},
    {"pk_live_", 16},
    {"ghp_", 20},
    {"gho_", 20},
    {"ghs_", 20},
    {"github_pat_", 20},
    {"glpat-", 16},
    {"xoxb-", 16},
    {"xoxp-", 16},
    {"AKIA", 20},
    {"AIza", 30},
    {"eyJ", 40},
    {"npm_", 30},
}};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '+' || c == '=' || c == '~';
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool has_secret_shape(std::string_view word) {
  return std::any_of(kShapes.begin(), kShapes.end(), [word](const Shape& shape) {
    return word.size() >= shape.length_min && word.starts_with(shape.prefix);
  });
}

// The end of a JSON string that begins behind its opening quote: the closing quote, or the end of
// the text.
std::size_t string_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') {
    at += text[at] == '\\' ? 2 : 1;
  }
  return std::min(at, text.size());
}

// The end of any JSON value that begins at `at`: objects and arrays are skipped as a whole.
std::size_t value_end(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = std::min(string_end(text, at + 1) + 1, text.size());
      if (depth == 0) {
        return at;
      }
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth <= 1) {
        return depth == 0 ? at : at + 1;
      }
      --depth;
    } else if (depth == 0 && (c == ',' || is_space(c))) {
      return at;
    }
    ++at;
  }
  return at;
}

// Undoes the escapes that JSON-in-a-string needs; others stay as they are.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      ++i;
    }
    out.push_back(text[i]);
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  return out;
}

bool looks_nested(std::string_view content) {
  const auto first =
      std::find_if(content.begin(), content.end(), [](char c) { return !is_space(c); });
  return first != content.end() && (*first == '{' || *first == '[') &&
         content.find("\\\"") != std::string_view::npos;
}

class Redactor {
 public:
  static std::string run(std::string_view text, int nesting) {
    Redactor redactor(text, nesting);
    while (redactor.at_ < text.size()) {
      redactor.step();
    }
    return std::move(redactor.out_);
  }

 private:
  Redactor(std::string_view text, int nesting) : text_(text), nesting_(nesting) {
    out_.reserve(text.size());
  }

  void step() {
    const char c = text_[at_];
    if (c == '"') {
      take_string();
    } else if (is_word(c)) {
      take_word(text_.size());
    } else if (text_.substr(at_).starts_with("-----BEGIN ")) {
      take_pem(text_.size());
    } else {
      out_.push_back(c);
      ++at_;
    }
  }

  void take_string() {
    const std::size_t begin = at_ + 1;
    const std::size_t end = string_end(text_, begin);
    const std::string_view content = text_.substr(begin, end - begin);
    out_.push_back('"');
    if (nesting_ < kNestingMax && looks_nested(content)) {
      out_ += escape(run(unescape(content), nesting_ + 1));
      at_ = end;
    } else {
      at_ = begin;
      while (at_ < end) {
        take_text(end);
      }
    }
    if (end < text_.size()) {
      out_.push_back('"');
      at_ = end + 1;
    }
    std::size_t colon = at_;
    while (colon < text_.size() && is_space(text_[colon])) {
      ++colon;
    }
    if (colon < text_.size() && text_[colon] == ':' && is_secret_name(content)) {
      mask_value(colon);
    }
  }

  void mask_value(std::size_t colon) {
    std::size_t value = colon + 1;
    while (value < text_.size() && is_space(text_[value])) {
      ++value;
    }
    const std::size_t end = value_end(text_, value);
    const std::string_view old = text_.substr(value, end - value);
    out_.append(text_.substr(at_, value - at_));
    if (old == "null" || old == "true" || old == "false" || old == "\"\"") {
      out_.append(old);  // tells nothing
    } else {
      out_.append("\"").append(kMask).append("\"");
    }
    at_ = end;
  }

  void take_text(std::size_t end) {
    if (is_word(text_[at_]) && !text_.substr(at_).starts_with("-----BEGIN ")) {
      take_word(end);
    } else if (text_.substr(at_, end - at_).starts_with("-----BEGIN ")) {
      take_pem(end);
    } else if (text_[at_] == '\\' && at_ + 1 < end) {
      out_.append(text_.substr(at_, 2));
      at_ += 2;
    } else {
      out_.push_back(text_[at_++]);
    }
  }

  void take_word(std::size_t end) {
    if (text_.substr(at_, end - at_).starts_with("-----BEGIN ")) {
      take_pem(end);
      return;
    }
    const std::size_t begin = at_;
    while (at_ < end && is_word(text_[at_])) {
      ++at_;
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (has_secret_shape(word) || (after_bearer_ && word.size() >= 8)) {
      out_.append(kMask);
    } else {
      out_.append(word);
    }
    after_bearer_ = (word == "Bearer" || word == "bearer") && at_ < end && text_[at_] == ' ';
  }

  // A PEM block up to its last line, or to the end when it is cut off.
  void take_pem(std::size_t end) {
    const std::size_t last = text_.find("-----END ", at_);
    std::size_t stop = end;
    if (last != std::string_view::npos && last < end) {
      const std::size_t tail = text_.find("-----", last + 9);
      stop = tail == std::string_view::npos ? end : std::min(tail + 5, end);
    }
    out_.append(kMask);
    at_ = stop;
  }

  std::string_view text_;
  int nesting_;
  std::size_t at_ = 0;
  bool after_bearer_ = false;
  std::string out_;
};

}  // namespace

std::string redact(std::string_view text) {
  return Redactor::run(text, 0);
}

bool is_secret_name(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 64;
  if (name.size() > kNameBytesMax) {
    return false;
  }
  std::string plain;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != '.' && c != ' ') {
      plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
    }
  }
  return std::any_of(
             kSecretParts.begin(),
             kSecretParts.end(),
             [&plain](std::string_view part) { return plain.find(part) != std::string::npos; }
         ) ||
         std::find(kSecretNames.begin(), kSecretNames.end(), plain) != kSecretNames.end() ||
         plain.ends_with("token");
}

std::string_view clip_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U && bytes_max - end < 4
  ) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace sluice::audit
