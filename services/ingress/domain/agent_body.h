// AgentBody: the request as a model gets it in each round of agent mode. Works on the bytes.
#pragma once

#include "common/base/result.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace sluice::ingress {

class AgentBody {
 public:
  // body: a checked chat request with the gateway's tools in it. Errors: Invalid.
  [[nodiscard]] static Result<AgentBody> of(std::string body);

  // As the first round has it.
  [[nodiscard]] const std::string& first() const { return body_; }

  // With these messages (JSON objects joined by commas) behind its own. A tool_choice that forces
  // a call was obeyed in the first round and is "auto". Errors: Invalid (larger than the bus
  // carries).
  [[nodiscard]] Result<std::string> continued(std::string_view messages) const;

  // Names of all its tools, the gateway's among them; read when first asked for.
  [[nodiscard]] const std::set<std::string>& tool_names();

 private:
  std::string body_;
  std::size_t messages_end_ = 0;  // of the closing bracket
  std::size_t choice_begin_ = 0;
  std::size_t choice_end_ = 0;
  std::string later_choice_;  // empty: as it is
  std::size_t tools_begin_ = 0;
  std::size_t tools_end_ = 0;
  bool names_read_ = false;
  std::set<std::string> names_;
};

}  // namespace sluice::ingress
