#include "services/policy-engine/domain/effect_class.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace sluice::policy_engine {
namespace {

using policy::v1::EffectClass;

// Published in README.md. A name with one of these as its first verb destroys something.
constexpr std::array<std::string_view, 27> kDeleteVerbs{
    "clear",     "del",       "delete",     "destroy",   "discard", "drop",     "erase",
    "expunge",   "flush",     "kill",       "nuke",      "prune",   "purge",    "remove",
    "revoke",    "rm",        "rmdir",      "shred",     "trash",   "truncate", "unlink",
    "uninstall", "unpublish", "unregister", "terminate", "wipe",    "zap",
};

// Verbs that make what follows an object: "create_delete_marker" deletes nothing. Words that are
// often nouns (list, file, log) and verbs that only carry another one (run, batch, confirm) are
// left out, so that they hide no deletion.
constexpr std::array<std::string_view, 24> kOtherVerbs{
    "add",    "append", "copy",   "create",   "describe", "download", "edit",    "fetch",
    "find",   "get",    "insert", "modify",   "read",     "rename",   "restore", "save",
    "search", "send",   "show",   "undelete", "update",   "upload",   "view",    "write",
};

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

// "deleteHTTPHook-v2" -> delete http hook v2.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') ||
                        static_cast<unsigned char>(c) >= 0x80;
    const bool after_lower = i > 0 && !is_upper(name[i - 1]);
    const bool before_lower = i + 1 < name.size() && is_lower(name[i + 1]);
    const bool begins = !letter || (is_upper(c) && (after_lower || before_lower));
    if (begins && !words.back().empty()) {
      words.emplace_back();
    }
    if (letter) {
      words.back().push_back(is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  return words;
}

bool deletes_by_name(std::string_view name) {
  for (const std::string& word : words_of(name)) {
    if (listed(kDeleteVerbs, word)) {
      return true;
    }
    if (listed(kOtherVerbs, word)) {
      return false;
    }
  }
  return false;
}

}  // namespace

EffectClass effect_class_of(const ToolTraits& tool, std::optional<EffectClass> operators_word) {
  if (operators_word) {
    return *operators_word;
  }
  if (deletes_by_name(tool.name)) {
    return policy::v1::EFFECT_CLASS_DELETE;
  }
  return tool.hints_trusted && tool.read_only_hint ? policy::v1::EFFECT_CLASS_READ
                                                   : policy::v1::EFFECT_CLASS_WRITE;
}

}  // namespace sluice::policy_engine
