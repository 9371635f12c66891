#include "common/config/ledger.h"

#include "common/json/write.h"

#include <algorithm>
#include <numeric>

namespace sluice::config {
namespace {

// Edits that turn a into b: letters added, dropped, replaced, or two neighbours swapped.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool is_same = a[i - 1] == b[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (is_same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

void Ledger::fault(std::string_view path, std::string_view what) {
  if (!describing) {
    faults.push_back(std::string(path) + ": " + std::string(what));
  }
}

void Ledger::add_row(Row row) {
  const bool is_known = std::any_of(rows.begin(), rows.end(), [&row](const Row& known) {
    return known.path == row.path;
  });
  if (!is_known) {
    rows.push_back(std::move(row));
  }
}

void Ledger::add_reading(Reading reading) {
  const bool is_known =
      std::any_of(readings.begin(), readings.end(), [&reading](const Reading& known) {
        return known.path == reading.path;
      });
  if (!is_known) {
    readings.push_back(std::move(reading));
  }
}

std::shared_ptr<Section::State> Ledger::state(
    std::string path, std::string pattern, const json::Object* object, std::string_view section
) {
  auto& place = states[path];
  if (!place) {
    place = std::make_shared<Section::State>();
    place->ledger = this;
    place->path = std::move(path);
    place->pattern = std::move(pattern);
    place->object = object;
    place->section = section;
  }
  return place;
}

std::string variable_of(std::string_view section, std::string_view key) {
  std::string name = "SLUICE_" + std::string(section) + "_" + std::string(key);
  std::transform(name.begin(), name.end(), name.begin(), upper);
  return name;
}

std::string nearest(std::string_view word, const std::set<std::string, std::less<>>& candidates) {
  constexpr std::size_t kWordBytesMax = 64;
  if (word.size() > kWordBytesMax) {
    return "";
  }
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string describe(const json::Value& value) {
  constexpr std::size_t kShownBytesMax = 60;
  if (value.is_null()) {
    return "null";
  }
  if (value.is_array()) {
    return "an array";
  }
  if (value.is_object()) {
    return "an object";
  }
  std::string text = value.is_string()
                         ? json::write(json::Value(without_credentials(*value.as_string())))
                         : json::write(value);
  if (text.size() > kShownBytesMax) {
    std::size_t end = kShownBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
      --end;
    }
    text = text.substr(0, end) + "…";
  }
  return text + ", a " + std::string(value.type_name());
}

std::string without_credentials(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) {
    return std::string(text);
  }
  const std::size_t begin = scheme + 3;
  const std::size_t end = text.find_first_of("/?#", begin);
  const std::size_t at = text.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < begin) {
    return std::string(text);
  }
  return std::string(text.substr(0, begin)) + "***" + std::string(text.substr(at));
}

}  // namespace sluice::config
