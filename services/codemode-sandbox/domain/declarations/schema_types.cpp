#include "services/codemode-sandbox/domain/declarations/schema_types.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/object_text.h"
#include "services/codemode-sandbox/domain/declarations/safe_text.h"
#include "services/codemode-sandbox/domain/declarations/schema_keywords.h"

#include <algorithm>
#include <utility>

namespace sluice::codemode_sandbox {

SchemaTypes::SchemaTypes(
    const json::Value& schema, std::string_view root_name, NamedTypes* names, TypeForm form
)
    : schema_(schema), root_name_(root_name), names_(names), form_(form), references_(schema) {}

Type SchemaTypes::write(JsonTypes types) {
  const SchemaReferences::Target* self = references_.find("#");
  return self != nullptr && self->named ? of_reference("#", types) : of(schema_, types);
}

Type SchemaTypes::of(const json::Value& schema, JsonTypes types) {
  if (++nodes_ > kSchemaNodesMax || depth_ >= kTypeDepthMax) {
    return every_value_of(types);
  }
  if (const auto flag = schema.as_bool()) {
    return *flag ? every_value_of(types) : never_type();
  }
  if (!schema.is_object()) {
    return every_value_of(types);
  }
  ++depth_;
  const json::Value* reference = schema.find("$ref");
  Type type = reference != nullptr && reference->as_string() != nullptr
                  ? of_reference(*reference->as_string(), types)
                  : of_object_schema(schema, types);
  --depth_;
  return type;
}

Type SchemaTypes::of_reference(const std::string& reference, JsonTypes types) {
  const SchemaReferences::Target* target = references_.find(reference);
  if (target == nullptr) {
    return every_value_of(types);
  }
  return target->named ? named(reference, *target) : of(*target->schema, types);
}

Type SchemaTypes::named(const std::string& reference, const SchemaReferences::Target& target) {
  const std::string identity = references_.identity_of(reference);
  std::string name = names_->find(identity);
  if (!name.empty()) {
    const NamedTypes::Named& known = names_->at(name);
    if (known.declaration.empty() && known.structure == structure_) {
      return every_value_of(kAllTypes);  // it would be defined by itself alone
    }
  } else {
    const std::string_view last =
        reference == "#" ? std::string_view(root_name_)
                         : std::string_view(reference).substr(reference.rfind('/') + 1);
    name = names_->begin(identity, last, structure_);
    std::set<std::string>* outer = std::exchange(uses_, &names_->at(name).uses);
    const Type body = of(*target.schema, kAllTypes);
    uses_ = outer;
    NamedTypes::Named& done = names_->at(name);
    done.members = body.members;
    done.declaration = body.kind == Type::Kind::Object ? "interface " + name + " " + body.text
                                                       : "type " + name + " = " + body.text + ";";
  }
  uses_->insert(name);
  return {
      .kind = Type::Kind::Simple,
      .text = names_->reference_to(name),
      .members = names_->at(name).members,
      .every_value = 0
  };
}

Type SchemaTypes::of_object_schema(const json::Value& schema, JsonTypes types) {
  types = guessed_types(schema, static_cast<JsonTypes>(types & types_of(schema)));
  std::vector<Type> parts;
  if (const auto literals = literal_values_of(schema)) {
    parts.push_back(literal_type_of(*literals, types));
  } else {
    parts.push_back(of_types(schema, types));
  }
  for (const std::string_view keyword : {"anyOf", "oneOf"}) {
    if (const json::Value* choices = schema.find(keyword); choices != nullptr) {
      parts.push_back(of_choices(*choices, types));
    }
  }
  const json::Value* all = schema.find("allOf");
  if (all != nullptr && all->as_array() != nullptr) {
    for (const json::Value& one : *all->as_array()) {
      parts.push_back(of(one, types));
    }
  }
  return intersection_of(parts, types);
}

// "properties" without "type" is an object to whoever reads it, and anything to JSON Schema.
JsonTypes SchemaTypes::guessed_types(const json::Value& schema, JsonTypes types) const {
  if (types != kAllTypes || form_ == TypeForm::Checking) {
    return types;
  }
  if (schema.find("properties") != nullptr || schema.find("additionalProperties") != nullptr) {
    return kObjectType;
  }
  return schema.find("items") != nullptr || schema.find("prefixItems") != nullptr ? kArrayType
                                                                                  : types;
}

Type SchemaTypes::of_choices(const json::Value& choices, JsonTypes types) {
  const json::Array* list = choices.as_array();
  if (list == nullptr || list->empty() || list->size() > kUnionMembersMax) {
    return every_value_of(types);
  }
  std::vector<Type> parts;
  for (const json::Value& one : *list) {
    parts.push_back(of(one, types));
  }
  return union_of(parts, types);
}

Type SchemaTypes::of_types(const json::Value& schema, JsonTypes types) {
  if (types == kAllTypes) {
    return every_value_of(types);
  }
  std::vector<Type> parts;
  const auto plain = static_cast<JsonTypes>(types & (kStringType | kNumberType | kBooleanType));
  for (const JsonTypes one : {kStringType, kNumberType, kBooleanType}) {
    if ((plain & one) != 0) {
      parts.push_back(every_value_of(one));
    }
  }
  if ((types & kArrayType) != 0) {
    parts.push_back(array_type(schema));
  }
  if ((types & kObjectType) != 0) {
    parts.push_back(object_type(schema));
  }
  if ((types & kNullType) != 0) {
    parts.push_back(every_value_of(kNullType));
  }
  const bool every = std::all_of(parts.begin(), parts.end(), [](const Type& part) {
    return part.every_value != 0;
  });
  return every ? every_value_of(types) : union_of(parts, types);
}

Type SchemaTypes::part_of(const json::Value& schema) {
  ++structure_;
  Type type = of(schema, kAllTypes);
  --structure_;
  return type;
}

Type SchemaTypes::array_type(const json::Value& schema) {
  const json::Value* items = schema.find("items");
  const json::Value* prefix = schema.find("prefixItems");
  if (prefix != nullptr && prefix->as_array() != nullptr && !prefix->as_array()->empty()) {
    return tuple_type(schema, *prefix->as_array(), items);
  }
  if (items != nullptr && items->as_array() != nullptr && !items->as_array()->empty()) {
    return tuple_type(schema, *items->as_array(), schema.find("additionalItems"));
  }
  if (items == nullptr || items->is_array()) {
    return every_value_of(kArrayType);
  }
  return array_of(part_of(*items));
}

Type SchemaTypes::tuple_type(
    const json::Value& schema, const json::Array& parts, const json::Value* rest
) {
  if (parts.size() > kTuplePartsMax) {
    return every_value_of(kArrayType);
  }
  const json::Value* bound = schema.find("minItems");
  const std::int64_t least = bound != nullptr ? bound->as_int().value_or(0) : 0;
  std::string text;
  std::int64_t count = 0;
  for (const json::Value& part : parts) {
    const bool optional = ++count > least;
    const Type type = part_of(part);
    const bool composed = type.kind == Type::Kind::Union || type.kind == Type::Kind::Intersection;
    text.append(text.empty() ? "[" : ", ");
    text.append(optional && composed ? "(" + type.text + ")" : type.text);
    text.append(optional ? "?" : "");
  }
  const bool closed = rest != nullptr && rest->as_bool() == false;
  if (!closed) {
    const Type more =
        rest != nullptr && !rest->is_array() ? part_of(*rest) : every_value_of(kAllTypes);
    text.append(", ...").append(array_of(more).text);
  }
  return {.kind = Type::Kind::Simple, .text = text + "]", .members = 1, .every_value = 0};
}

Type SchemaTypes::object_type(const json::Value& schema) {
  const json::Value* properties = schema.find("properties");
  const json::Object* members = properties != nullptr ? properties->as_object() : nullptr;
  const std::set<std::string_view> required = required_of(schema);
  ObjectText text;
  bool dropped = false;
  std::size_t count = 0;
  if (members != nullptr) {
    for (const auto& [name, property] : members->members()) {
      if (++count > kPropertiesMax || name.size() > kPropertyNameBytesMax) {
        dropped = true;
        continue;
      }
      const Type type = part_of(property);
      text.add(
          form_ == TypeForm::Reading ? property_comment_of(property) : "",
          member_name(name) + (required.contains(name) ? ": " : "?: ") + type.text
      );
    }
  }
  const std::string index = index_of(schema, count > 0, dropped);
  if (count == 0 && index == "any") {
    return every_value_of(kObjectType);
  }
  if (!index.empty()) {
    text.add("", "[k: string]: " + index);
  }
  return {.kind = Type::Kind::Object, .text = text.write(), .members = 1, .every_value = 0};
}

// Of members without a name; empty where there are none.
std::string SchemaTypes::index_of(const json::Value& schema, bool has_members, bool dropped) {
  const json::Value* additional = schema.find("additionalProperties");
  const json::Value* patterns = schema.find("patternProperties");
  const bool patterned =
      patterns != nullptr && patterns->is_object() && !patterns->as_object()->empty();
  if (patterned || dropped) {
    return "any";
  }
  if (additional == nullptr || (!additional->is_object() && !additional->is_bool())) {
    return form_ == TypeForm::Checking || !has_members ? "any" : "";
  }
  if (additional->as_bool() == false) {
    return !has_members && form_ == TypeForm::Checking ? "never" : "";
  }
  return has_members ? "any" : part_of(*additional).text;
}

}  // namespace sluice::codemode_sandbox
