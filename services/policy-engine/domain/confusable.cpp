#include "services/policy-engine/domain/confusable.h"

#include "services/policy-engine/limits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include <utf8proc.h>

namespace sluice::policy_engine {
namespace {

constexpr std::size_t kEditsMax = 2;
// Bits of a letter mask that one edit changes at most: a replaced character takes one away and
// brings one.
constexpr int kMaskBitsPerEdit = 2;

std::size_t edits_allowed(std::size_t shorter) {
  if (shorter >= kConfusableTwoEditsMin) {
    return kEditsMax;
  }
  return shorter >= kConfusableOneEditMin ? 1 : 0;
}

// Levenshtein distance, or limit + 1 where it is more: only the diagonals within limit are filled.
std::size_t distance_within(const std::u32string& a, const std::u32string& b, std::size_t limit) {
  constexpr std::size_t kWidth = 2 * kEditsMax + 1;
  const std::size_t none = limit + 1;
  const auto shift = static_cast<std::ptrdiff_t>(kEditsMax);
  // row[k]: the distance of a's first i and b's first i + k - shift characters.
  std::array<std::size_t, kWidth + 2> row{};
  row.fill(none);
  for (std::size_t k = 0; k <= limit; ++k) {
    row.at(kEditsMax + k + 1) = k;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::array<std::size_t, kWidth + 2> next{};
    next.fill(none);
    for (std::ptrdiff_t k = -shift; k <= shift; ++k) {
      const std::ptrdiff_t j = static_cast<std::ptrdiff_t>(i) + k;
      if (j < 0 || j > static_cast<std::ptrdiff_t>(b.size())) {
        continue;
      }
      const auto place = static_cast<std::size_t>(k + shift + 1);
      std::size_t best = row.at(place + 1) + 1;  // a's character is gone
      if (j > 0) {
        best = std::min(best, next.at(place - 1) + 1);  // b's character is new
        const bool same = a[i - 1] == b[static_cast<std::size_t>(j - 1)];
        best = std::min(best, row.at(place) + (same ? 0U : 1U));
      }
      next.at(place) = std::min(best, none);
    }
    row = next;
  }
  const std::ptrdiff_t end =
      static_cast<std::ptrdiff_t>(b.size()) - static_cast<std::ptrdiff_t>(a.size());
  return std::abs(end) > shift ? none : row.at(static_cast<std::size_t>(end + shift + 1));
}

// Which letters a name has, and which it has twice: names few edits apart differ in few bits.
std::uint64_t mask_of(const std::u32string& form) {
  std::uint64_t once = 0;
  std::uint64_t twice = 0;
  for (const char32_t character : form) {
    const std::uint64_t bit = std::uint64_t{1} << (character % 32U);
    twice |= once & bit;
    once |= bit;
  }
  return once | (twice << 32U);
}

struct Name {
  const ToolName* name = nullptr;
  std::u32string form;
  std::uint64_t mask = 0;
  bool fresh = false;
};

std::string alias_of(const ToolName& name) {
  return name.server + "-" + name.tool;
}

ConfusablePair pair_of(const ToolName& a, const ToolName& b) {
  return a < b ? ConfusablePair{a, b} : ConfusablePair{b, a};
}

class Search {
 public:
  Search(const std::vector<ToolName>& fresh, const std::vector<ToolName>& known) {
    names_.reserve(fresh.size() + known.size());
    add(fresh, true);
    add(known, false);
  }

  ConfusablePairs run() {
    find_equal();
    find_near();
    std::sort(found_.pairs.begin(), found_.pairs.end());
    found_.pairs.erase(std::unique(found_.pairs.begin(), found_.pairs.end()), found_.pairs.end());
    return std::move(found_);
  }

 private:
  void add(const std::vector<ToolName>& names, bool fresh) {
    for (const ToolName& name : names) {
      std::u32string form = seen_form(name.tool);
      const std::uint64_t mask = mask_of(form);
      names_.push_back({&name, std::move(form), mask, fresh});
    }
  }

  void note(const Name& a, const Name& b) {
    if (a.name->server == b.name->server || !(a.fresh || b.fresh)) {
      return;
    }
    if (found_.pairs.size() == kConfusablePairsMax) {
      found_.complete = false;
      return;
    }
    found_.pairs.push_back(pair_of(*a.name, *b.name));
  }

  [[nodiscard]] bool is_full() const { return found_.pairs.size() == kConfusablePairsMax; }

  void find_equal() {
    std::map<std::u32string_view, std::vector<const Name*>> by_form;
    for (const Name& name : names_) {
      by_form[name.form].push_back(&name);
    }
    for (const auto& [form, same] : by_form) {
      for (std::size_t i = 0; i < same.size() && !is_full(); ++i) {
        for (std::size_t j = i + 1; j < same.size() && !is_full(); ++j) {
          note(*same[i], *same[j]);
        }
      }
    }
    for (const Name& name : names_) {
      const std::u32string alias = seen_form(alias_of(*name.name));
      const auto shadowing = by_form.find(alias);
      if (shadowing != by_form.end()) {
        for (const Name* const other : shadowing->second) {
          note(name, *other);
        }
      }
    }
  }

  // Each name with those of its length and up to two more, where one of the two is fresh.
  void find_near() {
    std::map<std::size_t, std::vector<const Name*>> by_length;
    std::map<std::size_t, std::vector<const Name*>> fresh_by_length;
    for (const Name& name : names_) {
      by_length[name.form.size()].push_back(&name);
      if (name.fresh) {
        fresh_by_length[name.form.size()].push_back(&name);
      }
    }
    for (const Name& name : names_) {
      const std::size_t edits = edits_allowed(name.form.size());
      // Itself: the pairs of two fresh ones of a length are met from both sides, and sorted out.
      const auto& others = name.fresh ? by_length : fresh_by_length;
      for (std::size_t more = 0; edits > 0 && more <= edits; ++more) {
        const auto same_length = others.find(name.form.size() + more);
        if (same_length != others.end() && !compare(name, same_length->second, edits)) {
          return;
        }
      }
    }
  }

  // False: the bound is reached.
  bool compare(const Name& name, const std::vector<const Name*>& others, std::size_t edits) {
    for (const Name* const other : others) {
      if (std::popcount(name.mask ^ other->mask) > kMaskBitsPerEdit * static_cast<int>(edits) ||
          other->name->server == name.name->server) {
        continue;
      }
      if (++comparisons_ > kConfusableComparisonsMax || is_full()) {
        found_.complete = false;
        return false;
      }
      const std::size_t distance = distance_within(name.form, other->form, edits);
      if (distance > 0 && distance <= edits) {
        note(name, *other);
      }
    }
    return true;
  }

  std::vector<Name> names_;
  ConfusablePairs found_;
  std::size_t comparisons_ = 0;
};

}  // namespace

std::u32string seen_form(std::string_view name) {
  constexpr int kOptions =
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
      static_cast<utf8proc_ssize_t>(name.size()),
      &mapped,
      static_cast<utf8proc_option_t>(kOptions)
  );
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, &std::free);
  std::u32string form;
  for (utf8proc_ssize_t at = 0; at < size;) {
    utf8proc_int32_t character = -1;
    const utf8proc_ssize_t taken = utf8proc_iterate(mapped + at, size - at, &character);
    if (taken <= 0) {
      break;
    }
    form.push_back(static_cast<char32_t>(character));
    at += taken;
  }
  return form;
}

bool is_confusable(const ToolName& a, const ToolName& b) {
  if (a.server == b.server) {
    return false;
  }
  const std::u32string one = seen_form(a.tool);
  const std::u32string other = seen_form(b.tool);
  const std::size_t edits = edits_allowed(std::min(one.size(), other.size()));
  return one == other || distance_within(one, other, edits) <= edits ||
         one == seen_form(alias_of(b)) || other == seen_form(alias_of(a));
}

ConfusablePairs confusable_pairs(
    const std::vector<ToolName>& fresh, const std::vector<ToolName>& known
) {
  return Search(fresh, known).run();
}

}  // namespace sluice::policy_engine
