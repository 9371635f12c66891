#include "services/codemode-sandbox/domain/declarations/tool_index.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace sluice::codemode_sandbox {
namespace {

enum class Letter : std::uint8_t { None, Lower, Upper, Digit };

Letter letter_of(char c) {
  if ((c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80U) {
    return Letter::Lower;
  }
  if (c >= 'A' && c <= 'Z') {
    return Letter::Upper;
  }
  return c >= '0' && c <= '9' ? Letter::Digit : Letter::None;
}

// "readFile" before "F", "HTTPServer" before "S", "v2" before "2".
bool parts_before(std::string_view text, std::size_t at) {
  const Letter before = letter_of(text[at - 1]);
  const Letter here = letter_of(text[at]);
  if (before == Letter::None || here == Letter::None) {
    return true;
  }
  if ((before == Letter::Digit) != (here == Letter::Digit)) {
    return true;
  }
  if (here != Letter::Upper) {
    return false;
  }
  return before == Letter::Lower ||
         (at + 1 < text.size() && letter_of(text[at + 1]) == Letter::Lower);
}

std::string word_of(std::string_view text) {
  std::string word;
  for (const char c : text.substr(0, kWordBytesMax)) {
    word.push_back(letter_of(c) == Letter::Upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (word.size() > 3 && word.ends_with('s') && !word.ends_with("ss")) {
    word.pop_back();
  }
  return word;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text, std::size_t words_max) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size() && words.size() < words_max; ++at) {
    const bool parted = at == text.size() || (at > 0 && parts_before(text, at));
    if (!parted) {
      continue;
    }
    if (at > begin && letter_of(text[begin]) != Letter::None) {
      words.push_back(word_of(text.substr(begin, at - begin)));
    }
    begin = at;
  }
  return words;
}

void ToolIndex::add(std::string_view server, std::string_view name, std::string_view description) {
  std::map<std::string, std::uint32_t> counts;
  std::uint32_t length = 0;
  const auto take = [&](std::string_view text, int weight) {
    for (std::string& word : words_of(text, kWordsOfTextMax)) {
      counts[std::move(word)] += static_cast<std::uint32_t>(weight);
      ++length;
    }
  };
  take(name, kNameWeight);
  take(server, 1);
  take(description, 1);
  const auto tool = static_cast<std::uint32_t>(lengths_.size());
  for (const auto& [word, count] : counts) {
    postings_[word].push_back({.tool = tool, .count = count});
  }
  lengths_.push_back(length);
  length_sum_ += length;
}

std::vector<std::size_t> ToolIndex::search(std::string_view query, std::size_t limit) const {
  const auto words = words_of(query.substr(0, kQueryBytesMax), kWordsOfQueryMax);
  const std::set<std::string> wanted(words.begin(), words.end());
  const auto tools = static_cast<double>(lengths_.size());
  const double average = std::max(1.0, static_cast<double>(length_sum_) / std::max(1.0, tools));
  std::map<std::uint32_t, double> scores;
  for (const std::string& word : wanted) {
    const auto found = postings_.find(word);
    if (found == postings_.end()) {
      continue;
    }
    const auto having = static_cast<double>(found->second.size());
    const double rarity = std::log(1.0 + (tools - having + 0.5) / (having + 0.5));
    for (const Posting& posting : found->second) {
      const double count = posting.count;
      const double length = lengths_[posting.tool] / average;
      const double norm = kBm25Saturation * (1.0 - kBm25Length + kBm25Length * length);
      scores[posting.tool] += rarity * count * (kBm25Saturation + 1.0) / (count + norm);
    }
  }
  std::vector<std::pair<double, std::size_t>> ranked;
  ranked.reserve(scores.size());
  for (const auto& [tool, score] : scores) {
    ranked.emplace_back(-score, tool);
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(ranked.size(), limit));
  std::vector<std::size_t> best;
  best.reserve(ranked.size());
  for (const auto& [score, tool] : ranked) {
    best.push_back(tool);
  }
  return best;
}

}  // namespace sluice::codemode_sandbox
