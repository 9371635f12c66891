// CallSet: the tools that a script can call, as its check listed them.
#pragma once

#include "services/codemode-sandbox/domain/script_api.h"

#include "proto/sluice/codemode/v1/codemode.pb.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

class CallSet {
 public:
  // Lists nothing and holds nobody to it.
  CallSet() = default;
  explicit CallSet(const codemode::v1::Check& check);

  // Whether the script may call it: names as scripts write them. With escapes everything may be
  // called, and each call is asked for.
  [[nodiscard]] bool allows(std::string_view server, std::string_view function) const {
    return !closed_ || names_.contains(std::pair(std::string(server), std::string(function)));
  }

  // Nothing but what is listed can be called.
  [[nodiscard]] bool closed() const { return closed_; }

  [[nodiscard]] bool escapes() const { return escapes_; }

  // The tools behind the names, each once, sorted. Names that api does not have are left out.
  [[nodiscard]] std::vector<const ScriptTool*> tools(const ScriptApi& api) const;

 private:
  std::set<std::pair<std::string, std::string>> names_;
  bool closed_ = false;
  bool escapes_ = false;
};

}  // namespace sluice::codemode_sandbox
