// JSON Schema through jsoncons. Its exceptions end here.
#include "common/json/schema.h"

#include "common/json/number.h"
#include "common/json/schema_check.h"

#include <array>
#include <exception>
#include <jsoncons/json.hpp>
#include <jsoncons_ext/jsonschema/jsonschema.hpp>

namespace sluice::json {
namespace {

namespace jsonschema = jsoncons::jsonschema;
using Document = jsoncons::json;
using Compiled = jsonschema::json_schema<Document>;

constexpr std::size_t kViolationsMax = 20;
constexpr std::size_t kMessageBytesMax = 300;
// Strings longer than this are not matched against patterns: the time may grow with the square of
// the length.
constexpr std::size_t kMatchedBytesMax = 1024;

constexpr std::array<std::string_view, 5> kDialects{
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
};

Document converted(const Value& value) {
  if (const auto flag = value.as_bool(); flag) {
    return Document(*flag);
  }
  if (const auto integer = value.as_int(); integer) {
    return Document(*integer);
  }
  if (const Number* const number = value.as_number(); number != nullptr) {
    return is_integer_token(number->text) ? Document(number->text, jsoncons::semantic_tag::bigint)
                                          : Document(value.as_double().value_or(0));
  }
  if (const std::string* const text = value.as_string(); text != nullptr) {
    return Document(*text);
  }
  if (const Array* const items = value.as_array(); items != nullptr) {
    Document out(jsoncons::json_array_arg);
    for (const Value& item : *items) {
      out.push_back(converted(item));
    }
    return out;
  }
  if (const Object* const object = value.as_object(); object != nullptr) {
    Document out(jsoncons::json_object_arg);
    for (const auto& [key, member] : object->members()) {
      out.insert_or_assign(key, converted(member));
    }
    return out;
  }
  return Document::null();
}

// The dialect's URI as the library spells it; "" for one it does not know.
std::string dialect_of(const Value& schema) {
  std::string_view named = kDialects.front();
  const Value* const member = schema.find("$schema");
  if (member != nullptr) {
    const std::string* const text = member->as_string();
    named = text != nullptr ? std::string_view(*text) : std::string_view();
    if (named.ends_with('#')) {
      named.remove_suffix(1);
    }
  }
  for (const std::string_view dialect : kDialects) {
    if (dialect == named) {
      return std::string(dialect) + (dialect.starts_with("http:") ? "#" : "");
    }
  }
  return "";
}

// Never fetches: whatever the document does not hold itself stays unknown.
Document nothing_fetched(const jsoncons::uri&) {
  return Document::null();
}

std::shared_ptr<const Compiled> compiled(Value schema, const std::string& dialect) {
  if (Object* const object = schema.as_object(); object != nullptr) {
    object->set("$schema", dialect);
  }
  return std::make_shared<const Compiled>(
      jsonschema::make_json_schema(converted(schema), &nothing_fetched)
  );
}

std::string shortened(std::string text) {
  if (text.size() > kMessageBytesMax) {
    std::size_t cut = kMessageBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) {
      --cut;
    }
    text.resize(cut);
    text += "...";
  }
  return text;
}

}  // namespace

struct Schema::Body {
  std::shared_ptr<const Compiled> full;
  std::shared_ptr<const Compiled> without_patterns;  // equals full where there are none
};

Result<Schema> Schema::compile(const Value& schema) {
  if (!schema.is_object() && !schema.is_bool()) {
    return Error(
        Code::Invalid,
        "a JSON Schema is an object or a boolean, not " + std::string(schema.type_name())
    );
  }
  const std::string dialect = dialect_of(schema);
  if (dialect.empty()) {
    return Error(
        Code::Invalid, "unknown JSON Schema dialect: use 2020-12 or draft-07 in \"$schema\""
    );
  }
  SLUICE_CHECK_OK(check_references(schema));
  try {
    auto body = std::make_shared<Body>();
    const Value cheap = without_patterns(schema, Patterns::Cheap);
    const Value none = without_patterns(schema, Patterns::None);
    body->full = compiled(cheap, dialect);
    body->without_patterns = cheap == none ? body->full : compiled(none, dialect);
    Schema made;
    made.body_ = std::move(body);
    return made;
  } catch (const std::exception& exception) {
    return Error(Code::Invalid, "not a usable JSON Schema: " + shortened(exception.what()));
  }
}

std::vector<Violation> Schema::validate(const Value& instance) const {
  std::vector<Violation> violations;
  const bool long_strings = has_string_longer_than(instance, kMatchedBytesMax);
  const Compiled& schema = long_strings ? *body_->without_patterns : *body_->full;
  const auto report = [&violations](const jsonschema::validation_message& message) {
    violations.push_back({message.instance_location().string(), shortened(message.message())});
    return violations.size() < kViolationsMax ? jsonschema::walk_result::advance
                                              : jsonschema::walk_result::abort;
  };
  try {
    schema.validate(converted(instance), report);
  } catch (const std::exception& exception) {
    violations.push_back({"", shortened(std::string("cannot be checked: ") + exception.what())});
  }
  if (violations.size() > kViolationsMax) {
    violations.resize(kViolationsMax);
  }
  return violations;
}

}  // namespace sluice::json
