// References within one JSON Schema: what they lead to, and which targets need a name of their own.
#pragma once

#include "common/json/value.h"

#include <map>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// Of "#", "#/$defs/x" and other JSON pointers into the same document. Anchors, other documents and
// references below an embedded "$id" lead nowhere: their type is `any`.
class SchemaReferences {
 public:
  // document outlives it.
  explicit SchemaReferences(const json::Value& document);

  struct Target {
    const json::Value* schema = nullptr;
    bool named = false;  // it leads back to itself, or is long and referred to more than once
  };

  // nullptr where it leads nowhere.
  [[nodiscard]] const Target* find(std::string_view reference) const;

  // Equal for targets that mean the same in two documents.
  [[nodiscard]] std::string identity_of(const std::string& reference) const;

 private:
  void collect(const json::Value& value, int depth);
  void mark_named();
  [[nodiscard]] std::string context() const;

  const json::Value* document_;
  std::map<std::string, Target, std::less<>> targets_;  // by reference
  std::map<std::string, int, std::less<>> uses_;
  bool embedded_ids_ = false;
  bool only_definitions_ = true;  // every reference leads below $defs or definitions
  std::string context_;           // what the targets' meaning depends on
};

}  // namespace sluice::codemode_sandbox
