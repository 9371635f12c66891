// Static checks on schemas: references and regular expressions.
#include "common/json/schema_check.h"

#include <algorithm>
#include <array>
#include <map>

namespace sluice::json {
namespace {

// Source: ours. The largest published tool schemas expand to a few hundred steps.
constexpr std::uint64_t kStepsMax = 10'000;
constexpr std::size_t kPatternBytesMax = 256;
constexpr int kOpenRepetitionsMax = 2;

// Keywords whose value applies to the same instance location.
constexpr std::array<std::string_view, 4> kSameListed{
    "allOf", "anyOf", "oneOf", "dependentSchemas"
};
constexpr std::array<std::string_view, 4> kSameSingle{"not", "if", "then", "else"};
// Keywords whose value holds data, not schemas.
constexpr std::array<std::string_view, 4> kData{"const", "enum", "default", "examples"};
// Keywords whose value maps free names to schemas.
constexpr std::array<std::string_view, 6> kNamed{
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"
};

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Every schema object of a document, with what it may be referred to by.
class References {
 public:
  explicit References(const Value& root) : root_(root) { collect(root, true); }

  Result<void> check() {
    for (const Value* const schema : schemas_) {
      SLUICE_TRY(const std::uint64_t steps, steps_of(*schema));
      if (steps > kStepsMax) {
        return Error(
            Code::Invalid, "the schema refers to itself too many times over: flatten its references"
        );
      }
    }
    return {};
  }

 private:
  void collect(const Value& value, bool is_schema) {
    if (const Array* const items = value.as_array(); items != nullptr) {
      for (const Value& item : *items) {
        collect(item, true);
      }
      return;
    }
    const Object* const object = value.as_object();
    if (object == nullptr) {
      return;
    }
    if (is_schema) {
      schemas_.push_back(&value);
      for (const std::string_view key : {"$id", "$anchor", "$dynamicAnchor"}) {
        const std::string name = value.text_or(key, "");
        if (!name.empty()) {
          named_.emplace(key == "$id" ? name : "#" + name, &value);
        }
      }
    }
    for (const auto& [key, member] : object->members()) {
      if (!is_schema || !listed(kData, key)) {
        collect(member, !(is_schema && listed(kNamed, key)));
      }
    }
  }

  [[nodiscard]] const Value* at_pointer(std::string_view pointer) const {
    const Value* place = &root_;
    while (place != nullptr && !pointer.empty()) {
      const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
      const std::string key = plain(pointer.substr(1, end - 1));
      if (const Array* const items = place->as_array(); items != nullptr) {
        const bool number = !key.empty() && key.size() < 9 &&
                            key.find_first_not_of("0123456789") == std::string::npos;
        const std::size_t index = number ? std::stoul(key) : items->size();
        place = index < items->size() ? &(*items)[index] : nullptr;
      } else {
        place = place->find(key);
      }
      pointer.remove_prefix(end);
    }
    return place;
  }

  // ~0 and ~1 of RFC 6901, and percent-encoding of the fragment.
  static std::string plain(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] == '~' && i + 1 < token.size()) {
        out.push_back(token[++i] == '1' ? '/' : '~');
      } else if (token[i] == '%' && i + 2 < token.size()) {
        const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
        out.push_back(static_cast<char>(digit(token[i + 1]) * 16 + digit(token[i + 2])));
        i += 2;
      } else {
        out.push_back(token[i]);
      }
    }
    return out;
  }

  Result<const Value*> target_of(const std::string& reference) const {
    if (reference == "#" || reference.starts_with("#/")) {
      const Value* const place = at_pointer(std::string_view(reference).substr(1));
      if (place != nullptr) {
        return place;
      }
    } else if (const auto found = named_.find(reference); found != named_.end()) {
      return found->second;
    } else if (reference.find("json-schema.org/") != std::string::npos) {
      return static_cast<const Value*>(nullptr);  // a meta-schema: compiled in, and it ends
    }
    return Error(
        Code::Invalid,
        "the schema refers to \"" + reference.substr(0, 200) +
            "\", which it does not contain: put it under $defs"
    );
  }

  Result<std::uint64_t> add(std::uint64_t steps, const Value& next) {
    SLUICE_TRY(const std::uint64_t more, steps_of(next));
    return std::min(steps + more, kStepsMax + 1);
  }

  // How many schemas are applied to one value, at most. A circle would never end.
  Result<std::uint64_t> steps_of(const Value& schema) {
    constexpr std::uint64_t kInProgress = ~std::uint64_t{0};
    const Object* const object = schema.as_object();
    if (object == nullptr) {
      return std::uint64_t{1};
    }
    const auto [known, inserted] = steps_.emplace(&schema, kInProgress);
    if (!inserted) {
      if (known->second == kInProgress) {
        return Error(
            Code::Invalid,
            "the schema refers to itself in a circle: break the circle of its references"
        );
      }
      return known->second;
    }
    std::uint64_t steps = 1;
    for (const auto& [key, member] : object->members()) {
      if (key == "$ref" || key == "$dynamicRef" || key == "$recursiveRef") {
        const std::string* const reference = member.as_string();
        if (reference != nullptr) {
          SLUICE_TRY(const Value* const target, target_of(*reference));
          if (target != nullptr) {
            SLUICE_TRY(steps, add(steps, *target));
          }
        }
      } else if (listed(kSameSingle, key)) {
        SLUICE_TRY(steps, add(steps, member));
      } else if (listed(kSameListed, key)) {
        if (const Array* const items = member.as_array(); items != nullptr) {
          for (const Value& item : *items) {
            SLUICE_TRY(steps, add(steps, item));
          }
        } else if (const Object* const named = member.as_object(); named != nullptr) {
          for (const auto& [name, item] : named->members()) {
            SLUICE_TRY(steps, add(steps, item));
          }
        }
      }
    }
    steps_[&schema] = steps;
    return steps;
  }

  const Value& root_;
  std::vector<const Value*> schemas_;
  std::map<std::string, const Value*, std::less<>> named_;
  std::map<const Value*, std::uint64_t> steps_;
};

// The schema library matches by backtracking: a repeated group may take exponential time, and each
// open repetition multiplies the time by the length of the text.
bool is_cheap(std::string_view pattern) {
  int open_repetitions = 0;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '*' || c == '+' || c == '{') {
      if (i > 0 && pattern[i - 1] == ')') {
        return false;
      }
      ++open_repetitions;
    }
  }
  return pattern.size() <= kPatternBytesMax && open_repetitions <= kOpenRepetitionsMax;
}

bool stays(const Value& pattern, Patterns keep) {
  const std::string* const text = pattern.as_string();
  return text == nullptr || (keep == Patterns::Cheap && is_cheap(*text));
}

// patternProperties goes as a whole, together with what counts on knowing which names it matched.
bool names_stay(const Object& schema, Patterns keep) {
  const Value* const patterns = schema.find("patternProperties");
  const Object* const object = patterns != nullptr ? patterns->as_object() : nullptr;
  return object == nullptr || std::all_of(
                                  object->members().begin(),
                                  object->members().end(),
                                  [keep](const auto& member) {
                                    return keep == Patterns::Cheap && is_cheap(member.first);
                                  }
                              );
}

Value stripped(const Value& value, Patterns keep, bool is_schema) {
  if (const Array* const items = value.as_array(); items != nullptr) {
    Array out;
    for (const Value& item : *items) {
      out.push_back(stripped(item, keep, true));
    }
    return out;
  }
  const Object* const object = value.as_object();
  if (object == nullptr) {
    return value;
  }
  const bool names = !is_schema || names_stay(*object, keep);
  Object out;
  for (const auto& [key, member] : object->members()) {
    const bool dropped =
        is_schema && ((key == "pattern" && !stays(member, keep)) ||
                      (key == "format" && member == Value("regex")) ||
                      (!names && (key == "patternProperties" || key == "additionalProperties" ||
                                  key == "unevaluatedProperties")));
    if (!dropped) {
      const bool data = is_schema && listed(kData, key);
      out.members().emplace_back(
          key, data ? member : stripped(member, keep, !(is_schema && listed(kNamed, key)))
      );
    }
  }
  return out;
}

}  // namespace

Result<void> check_references(const Value& schema) {
  return References(schema).check();
}

Value without_patterns(const Value& schema, Patterns keep) {
  return stripped(schema, keep, true);
}

bool has_string_longer_than(const Value& value, std::size_t bytes_max) {
  if (const std::string* const text = value.as_string(); text != nullptr) {
    return text->size() > bytes_max;
  }
  if (const Array* const items = value.as_array(); items != nullptr) {
    return std::any_of(items->begin(), items->end(), [bytes_max](const Value& item) {
      return has_string_longer_than(item, bytes_max);
    });
  }
  const Object* const object = value.as_object();
  return object != nullptr && std::any_of(
                                  object->members().begin(),
                                  object->members().end(),
                                  [bytes_max](const auto& member) {
                                    return member.first.size() > bytes_max ||
                                           has_string_longer_than(member.second, bytes_max);
                                  }
                              );
}

}  // namespace sluice::json
