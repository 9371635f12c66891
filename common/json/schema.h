// JSON Schema (2020-12 and draft-07). Never fetches a reference over a network.
#pragma once

#include "common/json/value.h"

#include <memory>

namespace sluice::json {

struct Violation {
  std::string path;  // JSON pointer into the instance
  std::string message;
};

class Schema {
 public:
  // Errors: Invalid (not a schema, unknown dialect, a remote $ref).
  [[nodiscard]] static Result<Schema> compile(const Value& schema);

  // At most 20 violations; empty when valid.
  [[nodiscard]] std::vector<Violation> validate(const Value& instance) const;

 private:
  struct Body;
  std::shared_ptr<const Body> body_;
};

}  // namespace sluice::json
