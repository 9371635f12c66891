// The strict parser. Hand-written: it keeps number tokens as they stand and refuses lone surrogates
// and duplicate keys, which jsoncons 1.3 lets pass. Where it disagrees with scan.cpp about a
// document, one of the two is wrong.
#include "common/json/parse.h"

#include "common/base/bytes.h"
#include "common/json/number.h"
#include "common/json/string_text.h"

#include <algorithm>
#include <set>

namespace sluice::json {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Below this many members a linear search for a duplicate is cheaper than a set.
constexpr std::size_t kLinearKeysMax = 16;
constexpr std::size_t kKeyInMessageMax = 80;

enum class Comments { Refuse, Skip };

class Reader {
 public:
  Reader(std::string_view text, std::size_t depth_max, Comments comments)
      : text_(text), depth_max_(depth_max), comments_(comments) {}

  Result<Value> document() {
    SLUICE_TRY(Value root, value(1));
    SLUICE_CHECK_OK(skip_space());
    if (at_ < text_.size()) {
      return fault("something follows the document");
    }
    return root;
  }

 private:
  // Line and column (in characters, from 1) of the place reached.
  [[nodiscard]] Error fault(const std::string& what) const {
    const std::string_view before = text_.substr(0, at_);
    const std::size_t line_begin =
        before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto column = std::count_if(
                            before.begin() + static_cast<std::ptrdiff_t>(line_begin),
                            before.end(),
                            [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }
                        ) +
                        1;
    return Error(
        Code::Invalid,
        what + " at line " + std::to_string(line) + ", column " + std::to_string(column) +
            ": send one well-formed JSON document"
    );
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  Result<void> skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        ++at_;
      } else if (c == '/' && comments_ == Comments::Skip) {
        SLUICE_CHECK_OK(skip_comment());
      } else {
        break;
      }
    }
    return {};
  }

  Result<void> skip_comment() {
    if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return {};
    }
    const std::size_t end =
        text_.substr(at_, 2) == "/*" ? text_.find("*/", at_ + 2) : std::string_view::npos;
    if (end == std::string_view::npos) {
      return fault("unfinished comment");
    }
    at_ = end + 2;
    return {};
  }

  Result<Value> value(std::size_t depth) {
    SLUICE_CHECK_OK(skip_space());
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        SLUICE_TRY(std::string text, string());
        return Value(std::move(text));
      }
      default:
        return scalar();
    }
  }

  Result<Value> scalar() {
    const std::size_t end = std::min(
        text_.find_first_not_of(
            "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", at_
        ),
        text_.size()
    );
    const std::string_view token = text_.substr(at_, end - at_);
    Value made;
    if (token == "true" || token == "false") {
      made = Value(token == "true");
    } else if (is_number_token(token)) {
      if (!is_integer_token(token) && !double_of(token)) {
        return fault("number beyond the range of a double");
      }
      made = Value(Number{std::string(token)});
    } else if (token != "null") {
      return fault(
          at_ == text_.size() ? "unexpected end" : "unexpected character or malformed value"
      );
    }
    at_ = end;
    return made;
  }

  // Stands on the opening quote. The whole text is known as UTF-8.
  Result<std::string> string() {
    const std::size_t begin = at_ + 1;
    std::size_t end = begin;
    bool escapes = false;
    while (end < text_.size() && text_[end] != '"' && static_cast<unsigned char>(text_[end]) >= 0x20
    ) {
      const bool escape = text_[end] == '\\';
      escapes = escapes || escape;
      end += escape ? 2 : 1;
    }
    if (end >= text_.size() || text_[end] != '"') {
      const bool cut = end >= text_.size();
      at_ = std::min(end, text_.size());
      return fault(cut ? "unfinished string" : "unescaped control character in a string");
    }
    const std::string_view raw = text_.substr(begin, end - begin);
    if (!escapes) {
      at_ = end + 1;
      return std::string(raw);
    }
    auto text = unescape(raw);
    if (!text) {
      return fault("a string with an unknown escape or half of a surrogate pair");
    }
    at_ = end + 1;
    return std::move(*text);
  }

  // Behind an opening bracket, or between two items. True when the container ends here.
  Result<bool> ends(char closing, bool first) {
    SLUICE_CHECK_OK(skip_space());
    if (peek() == closing) {
      ++at_;
      return true;
    }
    if (!first) {
      if (peek() != ',') {
        return fault(closing == ']' ? "expected a comma or ]" : "expected a comma or }");
      }
      ++at_;
      SLUICE_CHECK_OK(skip_space());
    }
    return false;
  }

  Result<Value> array(std::size_t depth) {
    if (depth > depth_max_) {
      return fault("nesting deeper than " + std::to_string(depth_max_) + " levels");
    }
    ++at_;
    Array items;
    while (true) {
      SLUICE_TRY(const bool done, ends(']', items.empty()));
      if (done) {
        return Value(std::move(items));
      }
      SLUICE_TRY(Value item, value(depth + 1));
      items.push_back(std::move(item));
    }
  }

  Result<Value> object(std::size_t depth) {
    if (depth > depth_max_) {
      return fault("nesting deeper than " + std::to_string(depth_max_) + " levels");
    }
    ++at_;
    Object made;
    std::set<std::string, std::less<>> keys;
    while (true) {
      SLUICE_TRY(const bool done, ends('}', made.empty()));
      if (done) {
        return Value(std::move(made));
      }
      if (peek() != '"') {
        return fault("expected a key in double quotes");
      }
      const std::size_t key_begin = at_;
      SLUICE_TRY(std::string key, string());
      if (is_duplicate(made, keys, key)) {
        at_ = key_begin;
        return fault("duplicate key \"" + key.substr(0, kKeyInMessageMax) + "\"");
      }
      SLUICE_CHECK_OK(skip_space());
      if (peek() != ':') {
        return fault("expected a colon");
      }
      ++at_;
      SLUICE_TRY(Value member, value(depth + 1));
      made.members().emplace_back(std::move(key), std::move(member));
    }
  }

  static bool is_duplicate(
      const Object& made, std::set<std::string, std::less<>>& keys, const std::string& key
  ) {
    if (made.size() < kLinearKeysMax) {
      return made.contains(key);
    }
    if (keys.empty()) {
      for (const auto& member : made.members()) {
        keys.insert(member.first);
      }
    }
    return !keys.insert(key).second;
  }

  std::string_view text_;
  std::size_t depth_max_;
  Comments comments_;
  std::size_t at_ = 0;
};

Result<Value> parse_text(std::string_view text, ParseLimits limits, Comments comments) {
  if (text.size() > limits.bytes_max) {
    return Error(
        Code::Invalid,
        "the JSON document has " + std::to_string(text.size()) + " bytes: send at most " +
            std::to_string(limits.bytes_max)
    );
  }
  if (text.starts_with(kByteOrderMark)) {
    return Error(Code::Invalid, "the JSON document begins with a byte order mark: send it without");
  }
  if (!is_utf8(text)) {
    return Error(Code::Invalid, "the JSON document is not UTF-8: send well-formed UTF-8");
  }
  return Reader(text, limits.depth_max, comments).document();
}

}  // namespace

Result<Value> parse(std::string_view text, ParseLimits limits) {
  return parse_text(text, limits, Comments::Refuse);
}

Result<Value> parse_with_comments(std::string_view text, ParseLimits limits) {
  return parse_text(text, limits, Comments::Skip);
}

}  // namespace sluice::json
