// TypeScript of JSON Schemas (2020-12 and draft-07).
#pragma once

#include "services/codemode-sandbox/domain/declarations/named_types.h"
#include "services/codemode-sandbox/domain/declarations/schema_references.h"
#include "services/codemode-sandbox/domain/declarations/type_text.h"

#include "common/json/value.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_sandbox {

// Reading: for models. With descriptions; what a schema leaves open but hardly means is left out.
// Signature: the same without descriptions.
// Checking: for the compiler. No comments; members a schema does not forbid are allowed, and a
// schema without a type may be of any.
enum class TypeForm : std::uint8_t { Reading, Signature, Checking };

// Writes one schema. What it cannot say becomes wider, never narrower: unknown keywords, formats,
// patterns and ranges are left out; conditions, negations, references to elsewhere, and whatever
// exceeds limits.h are `any`.
class SchemaTypes {
 public:
  // schema and names outlive it. root_name: of the schema itself, should it refer to itself.
  SchemaTypes(
      const json::Value& schema, std::string_view root_name, NamedTypes* names, TypeForm form
  );

  // types: what the value may be at all.
  Type write(JsonTypes types);

  // Named types in what was written.
  [[nodiscard]] const std::set<std::string>& uses() const { return root_uses_; }

 private:
  Type of(const json::Value& schema, JsonTypes types);
  Type of_reference(const std::string& reference, JsonTypes types);
  Type of_object_schema(const json::Value& schema, JsonTypes types);
  Type of_choices(const json::Value& choices, JsonTypes types);
  Type of_types(const json::Value& schema, JsonTypes types);
  Type array_type(const json::Value& schema);
  Type tuple_type(const json::Value& schema, const json::Array& parts, const json::Value* rest);
  Type object_type(const json::Value& schema);
  // Within a structure: a reference back to what is being written is fine from here.
  Type part_of(const json::Value& schema);
  Type named(const std::string& reference, const SchemaReferences::Target& target);
  [[nodiscard]] std::string index_of(const json::Value& schema, bool has_members, bool dropped);
  [[nodiscard]] JsonTypes guessed_types(const json::Value& schema, JsonTypes types) const;

  const json::Value& schema_;
  std::string root_name_;
  NamedTypes* names_;
  TypeForm form_;
  SchemaReferences references_;
  std::set<std::string> root_uses_;
  std::set<std::string>* uses_ = &root_uses_;
  int nodes_ = 0;
  int depth_ = 0;
  int structure_ = 0;
};

}  // namespace sluice::codemode_sandbox
