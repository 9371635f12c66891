#include "services/provider-router/domain/demo_intent.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>

namespace sluice::provider_router {
namespace {

constexpr std::size_t kWordsMax = 2000;

struct Word {
  std::string_view clean;  // without quotes and punctuation around it
  std::string lower;
  bool quoted = false;
  bool last_of_sentence = false;
  std::size_t begin = 0;  // in the text
  std::size_t end = 0;
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view without_punctuation(std::string_view word) {
  while (!word.empty() && std::string_view("\"'`([{<").find(word.front()) != std::string_view::npos
  ) {
    word.remove_prefix(1);
  }
  while (!word.empty() &&
         std::string_view("\"'`)]}>.,;:!?").find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  return word;
}

std::string lower_of(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (at < text.size() && words.size() < kWordsMax) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    const char quote = text[at];
    const std::size_t closing = quote == '"' || quote == '\'' || quote == '`'
                                    ? text.find(quote, at + 1)
                                    : std::string_view::npos;
    Word word;
    word.begin = at;
    if (closing != std::string_view::npos) {
      word.quoted = true;
      word.clean = text.substr(at + 1, closing - at - 1);
      at = closing + 1;
    }
    while (at < text.size() && !is_space(text[at])) {
      ++at;
    }
    word.end = at;
    if (!word.quoted) {
      word.clean = without_punctuation(text.substr(word.begin, at - word.begin));
    }
    word.lower = lower_of(word.clean);
    const char last = text[at - 1];
    word.last_of_sentence = last == '.' || last == '!' || last == '?' || last == ';' ||
                            (at < text.size() && text[at] == '\n');
    words.push_back(std::move(word));
  }
  return words;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_path(const Word& word) {
  const std::size_t dot = word.clean.find('.', 1);
  return word.clean.find('/') != std::string_view::npos ||
         (dot != std::string_view::npos && dot + 1 < word.clean.size());
}

bool is_number(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool plain = word.find_first_not_of("+-.0123456789") == std::string_view::npos;
  return plain && !word.starts_with('.') && !word.starts_with('+') && error == std::errc() &&
         end == word.data() + word.size();
}

// The path behind a verb, past filler words; its place, or nullopt.
std::optional<std::size_t> path_after(const std::vector<Word>& words, std::size_t verb) {
  for (std::size_t i = verb + 1; i < words.size(); ++i) {
    if (is_path(words[i])) {
      return i;
    }
    if (!one_of(words[i].lower, {"the",       "a",       "file",     "files",   "folder",
                                 "directory", "dir",     "text",     "all",     "me",
                                 "of",        "content", "contents", "entries", "in",
                                 "from",      "at",      "under",    "is",      "what",
                                 "there",     "named",   "called",   "into",    "to"})) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Each reader looks at words[at]; on a match it appends and moves at to the last word used.
bool read_or_list(const std::vector<Word>& words, std::size_t& at, std::vector<DemoIntent>& out) {
  const std::string& verb = words[at].lower;
  const bool reads = one_of(verb, {"read", "open", "cat", "show", "print"});
  const bool lists = one_of(verb, {"list", "ls"});
  if (!reads && !lists) {
    return false;
  }
  for (std::size_t i = at + 1; lists && i + 1 < words.size() && i < at + 4; ++i) {
    if (words[i].lower == "allowed" &&
        one_of(words[i + 1].lower, {"directories", "folders", "directory"})) {
      out.push_back({DemoAction::ListAllowed, {}, {}, {}, {}});
      at = i + 1;
      return true;
    }
  }
  const auto place = path_after(words, at);
  if (!place) {
    return false;
  }
  out.push_back(
      {reads ? DemoAction::ReadFile : DemoAction::ListDirectory,
       std::string(words[*place].clean),
       {},
       {},
       {}}
  );
  at = *place;
  return true;
}

bool write(
    std::string_view text,
    const std::vector<Word>& words,
    std::size_t& at,
    std::vector<DemoIntent>& out
) {
  if (!one_of(words[at].lower, {"write", "save", "put"})) {
    return false;
  }
  for (std::size_t i = at + 2; i + 1 < words.size(); ++i) {
    if (words[i].quoted || !one_of(words[i].lower, {"to", "into", "in"})) {
      continue;
    }
    const auto place = path_after(words, i);
    if (!place) {
      continue;
    }
    const bool one_quoted = i == at + 2 && words[at + 1].quoted;
    std::string content(
        one_quoted ? words[at + 1].clean
                   : text.substr(words[at + 1].begin, words[i - 1].end - words[at + 1].begin)
    );
    out.push_back(
        {DemoAction::WriteFile, std::string(words[*place].clean), std::move(content), {}, {}}
    );
    at = *place;
    return true;
  }
  return false;
}

bool echo(
    std::string_view text,
    const std::vector<Word>& words,
    std::size_t& at,
    std::vector<DemoIntent>& out
) {
  if (words[at].lower != "echo" || at + 1 >= words.size()) {
    return false;
  }
  std::size_t last = at + 1;
  if (words[last].quoted) {
    out.push_back({DemoAction::Echo, {}, std::string(words[last].clean), {}, {}});
    at = last;
    return true;
  }
  while (last + 1 < words.size() && !words[last].last_of_sentence) {
    ++last;
  }
  std::string said(text.substr(words[at + 1].begin, words[last].end - words[at + 1].begin));
  if (words[last].last_of_sentence && !said.empty() &&
      std::string_view(".!?;").find(said.back()) != std::string_view::npos) {
    said.pop_back();
  }
  out.push_back({DemoAction::Echo, {}, std::move(said), {}, {}});
  at = last;
  return true;
}

bool add(const std::vector<Word>& words, std::size_t& at, std::vector<DemoIntent>& out) {
  const bool infix = is_number(words[at].clean);
  if (!infix && !one_of(words[at].lower, {"add", "sum"})) {
    return false;
  }
  if (infix && (at + 2 >= words.size() || !one_of(words[at + 1].lower, {"+", "plus"}))) {
    return false;
  }
  std::vector<std::string> numbers;
  std::size_t i = infix ? at : at + 1;
  for (; i < words.size() && numbers.size() < 2; ++i) {
    if (is_number(words[i].clean)) {
      numbers.emplace_back(words[i].clean);
    } else if (!one_of(
                   words[i].lower, {"and", "of", "to", "with", "the", "numbers", "plus", "+", "up"}
               )) {
      break;
    }
  }
  if (numbers.size() < 2) {
    return false;
  }
  out.push_back({DemoAction::Add, {}, {}, numbers[0], numbers[1]});
  at = i - 1;
  return true;
}

}  // namespace

std::vector<std::string_view> demo_steps(std::string_view text) {
  std::vector<std::string_view> steps;
  const std::vector<Word> words = words_of(text);
  std::size_t begin = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t end = words[i - 1].end;
    if (words[i].quoted || words[i].lower != "then" || text[end - 1] != ',') {
      continue;
    }
    steps.push_back(text.substr(begin, end - 1 - begin));
    begin = words[i].end;
  }
  steps.push_back(text.substr(begin));
  return steps;
}

std::vector<DemoIntent> demo_intents(std::string_view text) {
  std::vector<DemoIntent> intents;
  const std::vector<Word> words = words_of(text);
  for (std::size_t at = 0; at < words.size() && intents.size() < kDemoIntentsMax; ++at) {
    if (words[at].quoted || read_or_list(words, at, intents) || write(text, words, at, intents) ||
        echo(text, words, at, intents) || add(words, at, intents)) {
      continue;  // each has moved to the last word it used
    }
  }
  return intents;
}

}  // namespace sluice::provider_router
