// What a script's run says to a model: the content of the tool message of executeToolCode.
#pragma once

#include "proto/sluice/codemode/v1/codemode.pb.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::ingress {

// Console lines of a run, a bounded number of bytes.
class ConsoleLines {
 public:
  // Lines that are no plain log get their level: "[error] …".
  void add(const codemode::v1::RunProgress& line);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

  [[nodiscard]] std::size_t bytes_dropped() const { return bytes_dropped_; }

 private:
  std::vector<std::string> lines_;
  std::size_t bytes_ = 0;
  std::size_t bytes_dropped_ = 0;
};

// {"result":…,"console":[…]} of a script that returned, {"error":{"outcome":…,"message":…,"line":…,
// "column":…,"hint":…,"stack":…},"console":[…]} of one that did not. Members without content are
// left out, "result" is null where nothing was returned.
[[nodiscard]] std::string code_content(
    const codemode::v1::RunFinal& final, const ConsoleLines& console
);

}  // namespace sluice::ingress
