// Which tools are about some words: BM25 over names and descriptions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

// Lower case words of a text: parted at case, underscores, digits and punctuation; the plural's
// "s" is dropped. Bytes beyond ASCII are letters.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text, std::size_t words_max);

class ToolIndex {
 public:
  // Tools are numbered in the order they are added. names: of its server and its own.
  void add(std::string_view server, std::string_view name, std::string_view description);

  // The best first; of equal ones, the one that was added first. Words nobody has find nothing.
  [[nodiscard]] std::vector<std::size_t> search(std::string_view query, std::size_t limit) const;

 private:
  struct Posting {
    std::uint32_t tool = 0;
    std::uint32_t count = 0;
  };

  std::unordered_map<std::string, std::vector<Posting>> postings_;  // by word
  std::vector<std::uint32_t> lengths_;
  std::uint64_t length_sum_ = 0;
};

}  // namespace sluice::codemode_sandbox
