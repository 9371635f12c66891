// The command line of sluice: what it asks for, read before anything connects.
#pragma once

#include "services/ingress/cli/answer.h"
#include "services/ingress/cli/gateway.h"

#include "common/config/config.h"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::cli {

struct Command {
  std::string url;
  std::string key;
  std::function<Async<Answer>(Gateway*)> run;
};

// A command, or what to tell about the words: help, or what is wrong with them. words: without the
// program's name. environment: SLUICE_URL, SLUICE_KEY where no option says otherwise.
[[nodiscard]] std::variant<Command, Answer> read_command(
    std::vector<std::string> words, const config::Environment& environment
);

}  // namespace sluice::cli
