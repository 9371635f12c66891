// Text of servers made fit to stand in TypeScript: nothing in it can end a literal or a comment,
// reach the compiler as a directive, or show in another order than it is read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

// A string literal. Control, bidirectional and other invisible characters are escaped.
[[nodiscard]] std::string quoted_literal(std::string_view text);

// The name as an object type's member: itself where it is an identifier, else a literal.
[[nodiscard]] std::string member_name(std::string_view name);

// One line of a comment: white space collapsed, invisible characters dropped, "*/" and "@ts-"
// taken apart, at most bytes_max bytes, cut after a word with "…".
[[nodiscard]] std::string comment_text(std::string_view text, std::size_t bytes_max);

}  // namespace sluice::codemode_sandbox
