// What a runner says, held to the bounds of runner_messages.proto. A runner is not trusted: it
// passes on what a script says.
#pragma once

#include "services/codemode-sandbox/ports.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// What is wrong with the message, or "".
[[nodiscard]] std::string fault_of(const runner::Ready& ready);
[[nodiscard]] std::string fault_of(const runner::ToolCall& call);
[[nodiscard]] std::string fault_of(const codemode::v1::Check& check);

// Cuts what is too long; an unknown level becomes "log".
void make_fit(runner::Console& line);
// Cuts what is too long. A value that is too large or no JSON makes it a SCRIPT_ERROR, an unknown
// outcome a KILLED; only OK keeps a value, everything else has an error.
void make_fit(runner::Finished& finished, std::size_t value_bytes_max);

// At most max bytes of UTF-8, cut between two characters.
[[nodiscard]] std::string_view clipped(std::string_view text, std::size_t max);

}  // namespace sluice::codemode_sandbox
