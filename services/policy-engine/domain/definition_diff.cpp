#include "services/policy-engine/domain/definition_diff.h"

#include "services/policy-engine/domain/visible_text.h"
#include "services/policy-engine/limits.h"

#include "common/json/canonical.h"
#include "common/json/parse.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::policy_engine {
namespace {

using Difference = policy::v1::ToolPin::Difference;

constexpr json::ParseLimits kLimits{.depth_max = 64, .bytes_max = kDiffedDefinitionBytesMax};
// Of a long text, what stands before the first difference.
constexpr std::size_t kContextBytes = 100;

// RFC 6901 section 3; characters that do not show are escapes here too.
std::string with_member(const std::string& pointer, std::string_view name) {
  std::string out = pointer + "/";
  const std::string quoted = visible_quoted(name);
  for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool is_inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

// At most about kDifferenceBytesMax bytes of it, from a little before `from`.
std::string excerpt(std::string_view text, std::size_t from) {
  std::size_t begin = from > kContextBytes ? from - kContextBytes : 0;
  std::size_t end = std::min(text.size(), begin + kDifferenceBytesMax);
  while (begin > 0 && is_inside_character(text, begin)) {
    --begin;
  }
  while (end > begin && is_inside_character(text, end)) {
    --end;
  }
  return visible_quoted(
      (begin > 0 ? "… " : "") + std::string(text.substr(begin, end - begin)) +
      (end < text.size() ? " …" : "") + " (from byte " + std::to_string(begin) + " of " +
      std::to_string(text.size()) + ")"
  );
}

// from: where a text begins to differ from the other side's.
std::string shown(const json::Value* value, std::size_t from) {
  if (value == nullptr) {
    return "";
  }
  const std::string* const text = value->as_string();
  if (text != nullptr && text->size() > kDifferenceBytesMax) {
    return excerpt(*text, from);
  }
  std::string out = visible_json(*value);
  // A long number, or a text that is long because of its escapes.
  return out.size() > kDifferenceBytesMax * 8 ? excerpt(out, 0) : out;
}

class Comparison {
 public:
  // At least one of the two is given.
  void compare(const std::string& pointer, const json::Value* pinned, const json::Value* offered) {
    if (both_objects(pinned, offered) || (has_one(pinned, offered) && is_large(pinned, offered))) {
      compare_parts(pointer, pinned, offered);
      return;
    }
    if (pinned != nullptr && offered != nullptr) {
      if (pinned->is_array() && offered->is_array()) {
        compare_parts(pointer, pinned, offered);
        return;
      }
      if (json::canonical_by_value(*pinned) == json::canonical_by_value(*offered)) {
        return;
      }
    }
    add(pointer, pinned, offered);
  }

  DefinitionDiff take() { return std::move(diff_); }

 private:
  static bool both_objects(const json::Value* a, const json::Value* b) {
    return a != nullptr && b != nullptr && a->is_object() && b->is_object();
  }

  static bool has_one(const json::Value* a, const json::Value* b) {
    return (a == nullptr) != (b == nullptr);
  }

  // Too large to be shown as a whole, and with parts.
  static bool is_large(const json::Value* a, const json::Value* b) {
    const json::Value& value = a != nullptr ? *a : *b;
    const bool has_parts = (value.is_object() && !value.as_object()->empty()) ||
                           (value.is_array() && !value.as_array()->empty());
    return has_parts && json::canonical(value).size() > kDifferenceBytesMax;
  }

  void compare_parts(
      const std::string& pointer, const json::Value* pinned, const json::Value* offered
  ) {
    const json::Value& one = pinned != nullptr ? *pinned : *offered;
    if (one.is_object()) {
      static const json::Object kNone;
      compare_members(
          pointer,
          pinned != nullptr ? *pinned->as_object() : kNone,
          offered != nullptr ? *offered->as_object() : kNone
      );
    } else {
      static const json::Array kNone;
      compare_elements(
          pointer,
          pinned != nullptr ? *pinned->as_array() : kNone,
          offered != nullptr ? *offered->as_array() : kNone
      );
    }
  }

  void compare_members(
      const std::string& pointer, const json::Object& pinned, const json::Object& offered
  ) {
    std::map<std::string_view, const json::Value*> left;  // of the pinned one, not met yet
    for (const auto& [key, value] : pinned.members()) {
      left.emplace(key, &value);
    }
    for (const auto& [key, value] : offered.members()) {
      const auto before = left.find(key);
      compare(with_member(pointer, key), before != left.end() ? before->second : nullptr, &value);
      if (before != left.end()) {
        left.erase(before);
      }
    }
    for (const auto& [key, value] : left) {
      compare(with_member(pointer, key), value, nullptr);
    }
  }

  void compare_elements(
      const std::string& pointer, const json::Array& pinned, const json::Array& offered
  ) {
    for (std::size_t i = 0; i < std::max(pinned.size(), offered.size()); ++i) {
      compare(
          pointer + "/" + std::to_string(i),
          i < pinned.size() ? &pinned[i] : nullptr,
          i < offered.size() ? &offered[i] : nullptr
      );
    }
  }

  void add(const std::string& pointer, const json::Value* pinned, const json::Value* offered) {
    if (diff_.differences.size() == kDifferencesMax) {
      ++diff_.more;
      return;
    }
    std::size_t same = 0;
    if (pinned != nullptr && offered != nullptr && pinned->is_string() && offered->is_string()) {
      const std::string& a = *pinned->as_string();
      const std::string& b = *offered->as_string();
      same = static_cast<std::size_t>(
          std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin()
      );
    }
    Difference& difference = diff_.differences.emplace_back();
    difference.set_pointer(pointer);
    difference.set_pinned(shown(pinned, same));
    difference.set_offered(shown(offered, same));
  }

  DefinitionDiff diff_;
};

}  // namespace

Result<DefinitionDiff> diff_of(std::string_view pinned, std::string_view offered) {
  Comparison comparison;
  SLUICE_TRY(const json::Value now, json::parse(offered, kLimits));
  if (pinned.empty()) {
    comparison.compare("", nullptr, &now);
    return comparison.take();
  }
  SLUICE_TRY(const json::Value before, json::parse(pinned, kLimits));
  comparison.compare("", &before, &now);
  return comparison.take();
}

}  // namespace sluice::policy_engine
