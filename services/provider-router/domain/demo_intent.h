// What the demo model understands of a user's text: a handful of fixed phrases.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::provider_router {

enum class DemoAction : std::uint8_t { ReadFile, ListDirectory, ListAllowed, WriteFile, Echo, Add };

// "read <path>" · "list <dir>" · "list allowed directories" · "write <text> to <path>" · "echo
// <text>" · "add 2 and 3" · "2 + 3".
struct DemoIntent {
  DemoAction action = DemoAction::Echo;
  std::string path;
  std::string text;
  std::string first;  // numbers as written
  std::string second;
};

// The parts of a text that are done one after the other, each once the one before has its results:
// "read a.txt, then write hi to b.txt". At least one.
[[nodiscard]] std::vector<std::string_view> demo_steps(std::string_view text);

// At most kDemoIntentsMax, in the order of the text.
inline constexpr std::size_t kDemoIntentsMax = 8;
[[nodiscard]] std::vector<DemoIntent> demo_intents(std::string_view text);

}  // namespace sluice::provider_router
