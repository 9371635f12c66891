#include "services/codemode-sandbox/domain/declarations/type_text.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

struct TypeName {
  std::string_view json;
  JsonTypes type;
};

constexpr std::array<TypeName, 7> kTypeNames{
    {{"null", kNullType},
     {"boolean", kBooleanType},
     {"number", kNumberType},
     {"integer", kNumberType},
     {"string", kStringType},
     {"array", kArrayType},
     {"object", kObjectType}}
};

struct Whole {
  JsonTypes type;
  std::string_view text;
};

// In the order in which people write unions.
constexpr std::array<Whole, 6> kWholes{
    {{kStringType, "string"},
     {kNumberType, "number"},
     {kBooleanType, "boolean"},
     {kArrayType, "any[]"},
     {kObjectType, "{ [k: string]: any }"},
     {kNullType, "null"}}
};

std::string in_parentheses(const Type& type) {
  const bool composed = type.kind == Type::Kind::Union || type.kind == Type::Kind::Intersection;
  return composed ? "(" + type.text + ")" : type.text;
}

// Without those that say nothing new.
std::vector<Type> distinct(const std::vector<Type>& parts) {
  std::vector<Type> kept;
  for (const Type& part : parts) {
    const auto same = [&part](const Type& other) { return other.text == part.text; };
    if (std::none_of(kept.begin(), kept.end(), same)) {
      kept.push_back(part);
    }
  }
  return kept;
}

}  // namespace

JsonTypes json_type_of(std::string_view name) {
  for (const TypeName& known : kTypeNames) {
    if (known.json == name) {
      return known.type;
    }
  }
  return 0;
}

Type never_type() {
  return {.kind = Type::Kind::Never, .text = "never", .members = 1, .every_value = 0};
}

Type every_value_of(JsonTypes types) {
  if (types == 0) {
    return never_type();
  }
  if (types == kAllTypes) {
    return {.kind = Type::Kind::Simple, .text = "any", .members = 1, .every_value = types};
  }
  Type type{.kind = Type::Kind::Simple, .text = {}, .members = 0, .every_value = types};
  for (const Whole& whole : kWholes) {
    if ((types & whole.type) != 0) {
      type.kind = type.text.empty() ? Type::Kind::Simple : Type::Kind::Union;
      type.text.append(type.text.empty() ? "" : " | ").append(whole.text);
      type.members += whole.type == kBooleanType ? 2 : 1;
    }
  }
  if (types == kObjectType) {
    type.kind = Type::Kind::Object;
  }
  return type;
}

Type union_of(const std::vector<Type>& parts, JsonTypes types) {
  std::vector<Type> kept;
  std::size_t members = 0;
  for (const Type& part : distinct(parts)) {
    if (part.every_value == types) {
      return part;
    }
    if (part.kind != Type::Kind::Never) {
      members += part.members;
      kept.push_back(part);
    }
  }
  if (kept.empty()) {
    return never_type();
  }
  if (kept.size() == 1) {
    return kept.front();
  }
  if (members > kUnionMembersMax) {
    return every_value_of(types);
  }
  Type whole{.kind = Type::Kind::Union, .text = {}, .members = members, .every_value = 0};
  for (const Type& part : kept) {
    whole.text.append(whole.text.empty() ? "" : " | ").append(part.text);
  }
  return whole;
}

Type intersection_of(const std::vector<Type>& parts, JsonTypes types) {
  std::vector<Type> kept;
  std::size_t members = 1;
  for (const Type& part : distinct(parts)) {
    if (part.kind == Type::Kind::Never) {
      return part;
    }
    if (part.every_value != types && part.every_value != kAllTypes) {
      members *= part.members;
      kept.push_back(part);
    }
    if (members > kIntersectionMembersMax) {
      return every_value_of(types);
    }
  }
  if (kept.empty()) {
    return every_value_of(types);
  }
  if (kept.size() == 1) {
    return kept.front();
  }
  Type whole{.kind = Type::Kind::Intersection, .text = {}, .members = members, .every_value = 0};
  for (const Type& part : kept) {
    whole.text.append(whole.text.empty() ? "" : " & ").append(in_parentheses(part));
  }
  return whole;
}

Type array_of(const Type& item) {
  return {
      .kind = Type::Kind::Simple,
      .text = in_parentheses(item) + "[]",
      .members = 1,
      .every_value = static_cast<JsonTypes>(item.every_value == kAllTypes ? kArrayType : 0)
  };
}

}  // namespace sluice::codemode_sandbox
